import Hooks
import TestSupport
import Testing
import WSLoop

/// A loop with a fetcher and a backend.
private final class Scene {
    let loop: Loop
    let backend: FakeBackend
    let fetcher: HTTPFetcher
    var outcomes: [Result<HTTPFetched, FetchFailure>] = []

    init(_ conduct: @escaping (String) -> LoopServer.Reaction) throws {
        loop = try Loop()
        backend = try FakeBackend(on: loop, conduct)
        fetcher = try HTTPFetcher(on: loop, userAgent: "pushd/test")
    }

    /// Traps if a handle was left open.
    func close() {
        fetcher.close()
        backend.close()
        loop.close()
    }

    @discardableResult
    func send(
        _ method: HTTPFetch.Method = .get, url: String? = nil, body: [UInt8] = [],
        limits: HTTPFetch.Limits = HTTPFetch.Limits(time: .seconds(20))
    ) -> HTTPTransfer {
        fetcher.send(HTTPFetch(method, url ?? backend.url, body: body, limits: limits)) { self.outcomes.append($0) }
    }

    func wait(for what: String, until condition: () -> Bool) throws {
        let deadline = Loop.monotonicNanoseconds + 20_000_000_000
        let ticker = try Timer(on: loop)
        ticker.start(afterMilliseconds: 2, everyMilliseconds: 2)
        defer { ticker.close() }
        while !condition() {
            guard Loop.monotonicNanoseconds < deadline else {
                throw TestFailure(description: "waited in vain for \(what)")
            }
            loop.turn()
        }
    }

    func waitForOutcomes(_ count: Int = 1) throws {
        try wait(for: "\(count) outcomes") { outcomes.count >= count }
    }

    var failures: [FetchFailure.Kind] {
        outcomes.compactMap { if case .failure(let failure) = $0 { failure.kind } else { nil } }
    }
}

private func withScene(
    _ conduct: @escaping (String) -> LoopServer.Reaction = { _ in .answer(FakeBackend.json("{}")) },
    _ body: (Scene) throws -> Void
) throws {
    let scene = try Scene(conduct)
    defer { scene.close() }
    try body(scene)
}

@Suite struct FetcherTests {
    @Test func aResponseHasStatusFieldsAndBody() throws {
        let answer = FakeBackend.json("{\"a\":1}", status: "404 Not Found", fields: "Cache-Control:  max-age=60 \r\n")
        try withScene({ _ in .answer(answer) }) { scene in
            scene.send()
            #expect(scene.outcomes.isEmpty)
            try scene.waitForOutcomes()
            let fetched = try scene.outcomes[0].get()
            #expect(fetched.status == 404)
            #expect(fetched.header("cache-control") == "max-age=60")
            #expect(fetched.header("ETag") == nil)
            #expect(String(decoding: fetched.body, as: UTF8.self) == "{\"a\":1}")
        }
    }

    @Test func aPostSendsItsBodyAtOnce() throws {
        try withScene { scene in
            scene.send(.post, body: [UInt8](repeating: UInt8(ascii: "x"), count: 3_000))
            try scene.waitForOutcomes()
            let request = scene.backend.requests[0]
            #expect(request.hasPrefix("POST /hook HTTP/1.1\r\n"))
            #expect(request.hasSuffix("xxx"))
            #expect(request.contains("User-Agent: pushd/test"))
            #expect(!request.lowercased().contains("expect:"))
        }
    }

    @Test func anEmptyPostIsOne() throws {
        try withScene { scene in
            scene.send(.post)
            try scene.waitForOutcomes()
            #expect(scene.backend.requests[0].contains("Content-Length: 0"))
        }
    }

    @Test func aConnectionIsUsedAgain() throws {
        try withScene { scene in
            for count in 1...3 {
                scene.send()
                try scene.waitForOutcomes(count)
            }
            #expect(scene.backend.connections == 1)
            #expect(scene.failures.isEmpty)
        }
    }

    @Test func manyAtOnceAreAnswered() throws {
        try withScene { scene in
            for _ in 0..<500 { scene.send() }
            try scene.waitForOutcomes(500)
            #expect(scene.failures.isEmpty)
            #expect(scene.backend.mostOpen <= HTTPFetcher.maxConnections)
        }
    }

    @Test func aRedirectIsNotFollowed() throws {
        try withScene({ _ in .answer(FakeBackend.json("", status: "302 Found", fields: "Location: /other\r\n")) }) {
            $0.send()
            try $0.waitForOutcomes()
            #expect(try $0.outcomes[0].get().status == 302)
            #expect($0.backend.requests.count == 1)
        }
    }

    @Test func aFileIsNotFetched() throws {
        try withScene { scene in
            scene.send(url: "file:///etc/passwd")
            try scene.waitForOutcomes()
            #expect(scene.failures == [.invalid])
        }
    }
}

@Suite struct FetchFailureTests {
    @Test func silenceEndsAtTheTimeLimit() throws {
        try withScene({ _ in .wait }) { scene in
            scene.send(limits: HTTPFetch.Limits(time: .milliseconds(50)))
            try scene.waitForOutcomes()
            #expect(scene.failures == [.timedOut])
        }
    }

    @Test func nobodyListens() throws {
        try withScene { scene in
            let url = scene.backend.url
            scene.backend.close()
            scene.loop.turn(waiting: false)  // the socket is closed after its handle
            scene.send(url: url)
            try scene.waitForOutcomes()
            #expect(scene.failures == [.unreachable])
        }
    }

    @Test func aNameWithoutAddress() throws {
        try withScene { scene in
            scene.send(url: "http://nothing.invalid/")
            try scene.waitForOutcomes()
            #expect(scene.failures == [.unresolved])
        }
    }

    @Test func whatIsNoHTTP() throws {
        try withScene({ _ in .end("good morning") }) { scene in
            scene.send()
            try scene.waitForOutcomes()
            #expect(scene.failures == [.invalid])
        }
    }

    @Test(arguments: ["", "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf"])
    func aConnectionThatEndsTooEarly(answer: String) throws {
        try withScene({ _ in .end(answer) }) { scene in
            scene.send()
            try scene.waitForOutcomes()
            #expect(scene.failures == [.broken])
        }
    }

    @Test(arguments: [
        FakeBackend.json(String(repeating: "x", count: 1_001)),
        "HTTP/1.1 200 OK\r\nX: \(String(repeating: "x", count: 1_001))\r\n\r\n",
    ])
    func aResponseThatIsTooLarge(answer: String) throws {
        try withScene({ _ in .answer(answer) }) { scene in
            scene.send(limits: HTTPFetch.Limits(time: .seconds(20), responseBytes: 1_000))
            try scene.waitForOutcomes()
            #expect(scene.failures == [.tooLarge])
        }
    }

    @Test func plainHTTPWhereTLSIsAskedFor() throws {
        try withScene({ _ in .end("HTTP/1.1 400 Bad Request\r\n\r\n") }) { scene in
            scene.send(
                url: "https" + scene.backend.url.dropFirst(4), limits: HTTPFetch.Limits(time: .milliseconds(500)))
            try scene.waitForOutcomes()
            #expect(scene.failures == [.insecure] || scene.failures == [.timedOut])
        }
    }
}

@Suite struct FetchEndTests {
    @Test func aCancelledRequestReportsNothing() throws {
        try withScene({ _ in .wait }) { scene in
            let transfer = scene.send()
            try scene.wait(for: "the request") { scene.backend.requests.count == 1 }
            transfer.cancel()
            transfer.cancel()
            try scene.wait(for: "the end of its connection") { scene.backend.open == 0 }
            #expect(scene.outcomes.isEmpty)
        }
    }

    @Test func aCompletionMayCancelSendAndClose() throws {
        try withScene({ _ in .answer(FakeBackend.json("{}")) }) { scene in
            var others: [HTTPTransfer] = []
            var isDone = false
            scene.fetcher.send(HTTPFetch(.get, scene.backend.url)) { _ in
                for other in others { other.cancel() }
                scene.fetcher.send(HTTPFetch(.get, scene.backend.url)) { _ in
                    scene.fetcher.close()
                    isDone = true
                }
            }
            others = (0..<10).map { _ in scene.send() }
            try scene.wait(for: "the close") { isDone }
        }
    }

    @Test func aCloseGivesUpWhatIsOnItsWay() throws {
        try withScene({ _ in .wait }) { scene in
            for _ in 0..<10 { scene.send() }
            try scene.wait(for: "the requests") { scene.backend.requests.count == 10 }
            scene.fetcher.close()
            scene.fetcher.close()
            try scene.wait(for: "the ends") { scene.backend.open == 0 }
            #expect(scene.outcomes.isEmpty)
        }
    }
}
