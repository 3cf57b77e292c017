import Access
import TestSupport
import Testing
import WSLoop

@testable import Hooks

/// Runs a sender against a backend until a condition holds.
private func run(
    _ react: @escaping (String) -> LoopServer.Reaction, secret: [UInt8] = [],
    _ body: (EventSender, _ requests: @escaping () -> [String], _ wait: (() -> Bool) throws -> Void) throws -> Void
) throws {
    let loop = try Loop()
    let backend = try FakeBackend(on: loop, react)
    let fetcher = try HTTPFetcher(on: loop, userAgent: "pushd/test")
    let ticker = try Timer(on: loop)
    let sender = EventSender(
        backend.url, .pushd(secret.isEmpty ? nil : HookSigner(secret: secret)), node: "n", fetcher, on: loop
    ) { _ in }
    ticker.onEvent { sender.tick() }
    ticker.start(afterMilliseconds: 5, everyMilliseconds: 5)
    defer {
        ticker.close()
        fetcher.close()
        backend.close()
        loop.close()
    }
    try body(sender, { backend.requests }) { condition in
        let deadline = Loop.monotonicNanoseconds + 20_000_000_000
        while !condition() {
            guard Loop.monotonicNanoseconds < deadline else { throw TestFailure(description: "waited in vain") }
            loop.turn()
        }
    }
}

private func event(_ channel: String) -> Event { Event(.occupied, at: 7, [(name: "channel", value: channel)]) }

@Suite struct EventSenderTests {
    @Test func anEventSaysWhatHasHappenedWhenAndWhere() {
        let event = Event(.published, at: 1_764_446_400_123, [(name: "user", value: "\"u\"")], data: Array("[1]".utf8))
        #expect(
            String(decoding: event.text(node: "n", number: 5), as: UTF8.self)
                == #"{"id":"n-5","event":"published","node":"n","time_ms":1764446400123,"user":"\"u\"","data":[1]}"#)
    }

    /// The signature is that of Python's `hmac`.
    @Test func aBatchForPushersLibrariesHasItsTimeAndASignatureOfAll() {
        let envelope = EventEnvelope.pusher(key: "key", TextSigner(secret: Array("secret".utf8)))
        let (body, headers) = envelope.sealed(Array("[{}]".utf8), at: 7)
        #expect(String(decoding: body, as: UTF8.self) == #"{"time_ms":7,"events":[{}]}"#)
        #expect(headers.map(\.name) == ["X-Pusher-Key", "X-Pusher-Signature"])
        #expect(headers.map(\.value) == ["key", "8f3061e140b0d50a2aa998447864318cd6dcc2d0687be26ce050ab4d9db56ba3"])
    }

    @Test func eventsAreTakenByABackendThatAnswers2xx() throws {
        let answer = "HTTP/1.1 204 No Content\r\n\r\n"
        try run({ _ in .answer(answer) }, secret: Array("0123456789abcdef".utf8)) { sender, requests, wait in
            for channel in ["a", "b", "c"] { sender.add(event(channel)) }
            try wait { sender.status.queued == 0 }
            #expect(sender.status.sent == 3 && sender.status.failures == 0)
            #expect(requests().count == 2)
            #expect(requests()[0].contains("X-Pushd-Signature: t=") && requests()[0].contains("\"channel\":\"a\"}]"))
        }
    }

    @Test func aBackendThatFailsGetsTheSameEventsAgain() throws {
        var answers = [
            "HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n", "", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
        ]
        try run({ _ in .end(answers.count > 1 ? answers.removeFirst() : answers[0]) }) { sender, requests, wait in
            sender.add(event("a"))
            try wait { requests().count == 1 }
            sender.add(event("b"))
            try wait { sender.status.problem != nil }
            try wait { sender.status.queued == 0 }
            #expect(sender.status.sent == 2 && sender.status.failures == 2 && sender.status.problem == nil)
            let bodies = requests().map { $0.split(separator: "\r\n\r\n").last ?? "" }
            #expect(bodies.count == 4 && bodies[0] == bodies[1] && bodies[1] == bodies[2] && bodies[3].contains("n-2"))
        }
    }

    @Test func anotherURLGetsWhatTheFirstHasNotTaken() throws {
        var isFirst = true
        let answers = ["HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n", "HTTP/1.1 204 No Content\r\n\r\n"]
        try run({ _ in .end(answers[isFirst ? 0 : 1]) }) { sender, requests, wait in
            for channel in ["a", "b", "c"] { sender.add(event(channel)) }
            try wait { sender.status.failures > 0 }
            isFirst = false
            let host = requests()[0].split(separator: "\r\n").first { $0.hasPrefix("Host: ") }?.dropFirst(6) ?? ""
            sender.send(to: "http://\(host)/other", .pushd(HookSigner(secret: Array("0123456789abcdef".utf8))))
            try wait { sender.status.queued == 0 }
            let taken = requests().filter { $0.hasPrefix("POST /other ") && $0.contains("X-Pushd-Signature: t=") }
            #expect(sender.status.sent == 3 && taken.count == 2)
            #expect(taken[0].contains(#""id":"n-1""#) && taken[1].contains(#"[{"id":"n-2""#))
        }
    }

    @Test func whatHasNoRoomIsCounted() throws {
        try run({ _ in .wait }) { sender, requests, wait in
            let data = [UInt8](repeating: UInt8(ascii: "1"), count: 1 << 20)
            for _ in 0..<20 { sender.add(Event(.published, at: 0, [], data: data)) }
            #expect(sender.status.queued == 15 && sender.status.dropped == 5 && sender.status.isFull)
        }
    }
}
