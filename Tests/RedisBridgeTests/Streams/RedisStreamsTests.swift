import Broker
import TestSupport
import Testing

@testable import RedisBridge

/// Histories in a real Redis.
@Suite(.serialized)
struct RedisStreamsTests {
    private func run(
        _ timing: RedisTiming = Harness.quickTiming, _ body: (Harness, RedisServer, RedisClient) throws -> Void
    ) throws {
        let server = try RedisServer()
        let harness = try Harness(server.url, timing: timing)
        defer { harness.close() }
        harness.recorder.limits = StreamLimits(maxMessages: 50, maxAgeSeconds: 60)
        harness.bridge.streamRulesChanged()
        harness.bridge.start()
        try harness.waitUntilUsable()
        try body(harness, server, RedisClient(port: server.port))
    }

    private func publish(_ harness: Harness, _ numbers: Range<Int>, to channel: String = "kept") throws {
        let earlier = harness.recorder.outcomes.count
        for number in numbers {
            let publication = Publication(channel: channel, payload: Array("\(number)".utf8), key: "k")
            _ = harness.bridge.publish(publication, for: PublishTicket(loop: 0, slot: 0, generation: 0))
        }
        try harness.wait(for: "outcomes") { harness.recorder.outcomes.count - earlier == numbers.count }
    }

    private func texts(_ messages: [StreamMessage]) -> [String] {
        messages.map { String(decoding: $0.publication.payload, as: UTF8.self) }
    }

    @Test func messagesAreNumberedByRedis() throws {
        try run { harness, _, client in
            try harness.subscribe("kept")
            try publish(harness, 0..<5)
            try harness.wait(for: "messages") { harness.recorder.numbered.count == 5 }
            let messages = harness.recorder.numbered
            #expect(messages.map(\.place.offset) == [1, 2, 3, 4, 5])
            #expect(Set(messages.map(\.place.epoch)).count == 1)
            #expect(messages.allSatisfy { $0.arrival == .live && $0.publication.key == "k" })
            let restarts = harness.recorder.restarts
            #expect(restarts.count == 1 && restarts[0].place.offset == 0 && !restarts[0].isLoss)
            #expect(restarts[0].place.epoch == messages[0].place.epoch)
            #expect(try client.command("XLEN", "push:kept") == .integer(5))
        }
    }

    @Test func theHistoryIsThereBeforeTheChannelIsSettled() throws {
        try run { harness, _, client in
            try publish(harness, 0..<60)
            try harness.subscribe("kept")
            #expect(harness.recorder.confirmed == ["kept"])
            #expect(texts(harness.recorder.numbered) == (10..<60).map { "\($0)" })
            #expect(harness.recorder.numbered.allSatisfy { $0.arrival == .past })
            #expect(harness.recorder.restarts.map(\.place.offset) == [10])
        }
    }

    @Test func otherProgramsPublishWithTheFunction() throws {
        try run { harness, _, client in
            try harness.subscribe("kept.x")
            try harness.subscribe("other")
            let place = try client.command("FCALL", "pushd_publish", "1", "push:kept.x", "a", "key")
            _ = try client.command("FCALL", "pushd_publish", "1", "push:other", "b")
            _ = try client.command("PUBLISH", "push:kept.x", "plain")
            try harness.wait(for: "messages") { harness.recorder.messages.count == 2 }
            let message = harness.recorder.numbered[0]
            #expect(texts(harness.recorder.numbered) == ["a"] && message.publication.key == "key")
            #expect(place == .text("\(message.place.epoch):1"))
            #expect(
                harness.recorder.messages == [
                    Publication(channel: "other", payload: Array("b".utf8)),
                    Publication(channel: "kept.x", payload: Array("plain".utf8)),
                ])
            guard case .error = try client.command("FCALL", "pushd_publish", "1", "push:kept.x") else {
                Issue.record("a call without a payload was accepted")
                return
            }
        }
    }

    @Test func whatGrowsIsReadWithTheHistory() throws {
        try run { harness, _, client in
            for number in 0..<60 {
                let piece = Publication.Piece(of: "s", isLast: false)
                let publication = Publication(channel: "kept", payload: Array("\(number) ".utf8), piece: piece)
                _ = harness.bridge.publish(publication, for: PublishTicket(loop: 0, slot: 0, generation: 0))
            }
            try harness.wait(for: "outcomes") { harness.recorder.outcomes.count == 60 }
            try harness.subscribe("kept")
            let text = (0..<60).map { "\($0) " }.joined()
            let whole = try #require(harness.recorder.growing["kept"]?.first)
            #expect(whole.name == "s" && whole.payload == Array(text.utf8) && whole.place.offset == 60)
            let last = Publication.Piece(of: "s", isLast: true)
            _ = harness.bridge.publish(
                Publication(channel: "kept", payload: [], piece: last),
                for: PublishTicket(loop: 0, slot: 0, generation: 0))
            try harness.wait(for: "the last piece") { harness.recorder.numbered.last?.place.offset == 61 }
            let live = try #require(harness.recorder.numbered.last)
            #expect(live.publication.piece == Publication.Piece(of: "s", isLast: true, from: text.utf8.count))
            let names = RedisChannelMap(prefix: "push:", aliases: [])
            #expect(try client.command("EXISTS", names.growingKey(of: "kept")) == .integer(0))
        }
    }

    /// The script is sent again to a Redis that has forgotten it.
    @Test func theScriptIsSentAgain() throws {
        try run { harness, _, client in
            _ = try client.command("SCRIPT", "FLUSH")
            try harness.subscribe("kept")
            _ = try client.command("SCRIPT", "FLUSH")
            try publish(harness, 0..<3)
            try harness.wait(for: "messages") { harness.recorder.numbered.count == 3 }
            #expect(harness.recorder.outcomes.allSatisfy { (try? $0.outcome.get()) != nil })
        }
    }

    @Test func whatWasMissedWhileTheLinkWasDownIsRead() throws {
        try run { harness, _, client in
            try harness.subscribe("kept")
            for round in 0..<5 {
                _ = try client.command("CLIENT", "KILL", "TYPE", "pubsub")
                for number in round * 4..<round * 4 + 4 {
                    _ = try client.command("FCALL", "pushd_publish", "1", "push:kept", "\(number)")
                }
                try harness.wait(for: "round \(round)") { harness.recorder.numbered.count == round * 4 + 4 }
            }
            #expect(texts(harness.recorder.numbered) == (0..<20).map { "\($0)" })
            #expect(harness.recorder.numbered.map(\.place.offset) == Array(1...20))
            #expect(harness.recorder.gaps.isEmpty && harness.recorder.restarts.count == 1)
        }
    }

    @Test func aForgetfulRedisBeginsAnotherEpoch() throws {
        try run { harness, _, client in
            try harness.subscribe("kept")
            try publish(harness, 0..<3)
            try harness.wait(for: "messages") { harness.recorder.numbered.count == 3 }
            _ = try client.command("FLUSHALL")
            try publish(harness, 3..<5)
            try harness.wait(for: "the other epoch") { harness.recorder.numbered.count == 5 }
            #expect(harness.recorder.numbered.map(\.place.offset) == [1, 2, 3, 1, 2])
            #expect(harness.recorder.restarts.map(\.isLoss) == [false, true])
            #expect(Set(harness.recorder.numbered.map(\.place.epoch)).count == 2)
        }
    }

    /// A replica that lacks the last messages takes over, and gives their numbers to others.
    @Test func numbersThatAreGivenTwiceAreNoticed() throws {
        try run { harness, _, client in
            try harness.subscribe("kept")
            try publish(harness, 0..<3)
            try harness.wait(for: "messages") { harness.recorder.numbered.count == 3 }
            let epoch = harness.recorder.numbered[0].place.epoch
            _ = try client.command("XDEL", "push:kept", "\(epoch)-3")
            _ = try client.command("DEL", "push:kept")
            for number in 1...5 {
                let id = "\(epoch)-\(number)"
                _ = try client.command("XADD", "push:kept", id, "t", "\(number)", "k", "", "d", "other \(number)")
            }
            _ = try client.command("CLIENT", "KILL", "TYPE", "pubsub")
            try harness.wait(for: "a loss") { harness.recorder.restarts.last?.isLoss == true }
            #expect(harness.recorder.restarts.last?.place.epoch != epoch)
        }
    }

    @Test func aHistoryIsDroppedForAllNodes() throws {
        try run { harness, _, client in
            try harness.subscribe("kept")
            try publish(harness, 0..<3)
            harness.bridge.clearHistory(of: "kept", for: PublishTicket(loop: 0, slot: 0, generation: 0))
            try harness.wait(for: "an outcome") { harness.recorder.outcomes.count == 4 }
            try harness.wait(for: "the news") { harness.recorder.cleared == ["kept"] }
            #expect(try client.command("XLEN", "push:kept") == .integer(0))
            try publish(harness, 3..<4)
            try harness.wait(for: "a message") { harness.recorder.numbered.count == 4 }
            #expect(harness.recorder.numbered.last?.place.offset == 4)
        }
    }

    /// Nothing follows the lost message, so that only a check finds it.
    @Test func aLastMessageThatWasLostIsFound() throws {
        var timing = Harness.quickTiming
        timing.checkMilliseconds = 20
        try run(timing) { harness, _, client in
            try harness.subscribe("kept")
            let epoch = harness.recorder.restarts[0].place.epoch
            _ = try client.command("XADD", "push:kept", "\(epoch)-1", "t", "1", "k", "", "d", "lost")
            try harness.wait(for: "the message") { texts(harness.recorder.numbered) == ["lost"] }
            #expect(harness.recorder.numbered[0].arrival == .healed)
        }
    }

    /// Clients need not wait for longer than a second, and Redis is read when it is back.
    @Test func withoutRedisAChannelIsSettledUnconfirmed() throws {
        let port = try RedisServer.freePort()
        let harness = try Harness("redis://127.0.0.1:\(port)")
        defer { harness.close() }
        harness.recorder.limits = StreamLimits(maxMessages: 5, maxAgeSeconds: 60)
        harness.bridge.start()
        try harness.subscribe("kept")
        #expect(harness.recorder.confirmed.isEmpty)
        let server = try RedisServer(port: port)
        try harness.wait(for: "the first read") { !harness.recorder.restarts.isEmpty }
        #expect(harness.recorder.restarts.map(\.isLoss) == [true, false], "the client may have missed something")
        #expect(harness.bridge.subscribe("kept"))
        server.kill()
    }

    /// A client that recovers at a node that has just been started is not told that its messages are gone.
    @Test func aHistoryThatIsNotKnownIsWaitedFor() throws {
        let port = try RedisServer.freePort()
        var timing = Harness.quickTiming
        (timing.confirmMilliseconds, timing.historyMilliseconds) = (50, 20_000)
        let harness = try Harness("redis://127.0.0.1:\(port)", timing: timing)
        defer { harness.close() }
        harness.recorder.limits = StreamLimits(maxMessages: 5, maxAgeSeconds: 60)
        harness.bridge.start()
        #expect(!harness.bridge.subscribe("kept"))
        #expect(!harness.bridge.subscribe("other"))
        try harness.wait(for: "the other channel") { harness.recorder.settled == ["other"] }
        let server = try RedisServer(port: port)
        try harness.wait(for: "the history") { harness.recorder.confirmed == ["kept"] }
        server.kill()
    }

    /// A client that knows later messages than this node is not told that they are gone.
    @Test func aNodeThatIsBehindReadsBeforeItLetsAClientIn() throws {
        let port = try RedisServer.freePort()
        var timing = Harness.quickTiming
        timing.confirmMilliseconds = 20_000
        let harness = try Harness("redis://127.0.0.1:\(port)", timing: timing)
        defer { harness.close() }
        harness.recorder.limits = StreamLimits(maxMessages: 5, maxAgeSeconds: 60)
        let first = try RedisServer(port: port)
        harness.bridge.start()
        try harness.subscribe("kept")
        first.kill()
        try harness.wait(for: "the loss") { harness.recorder.losses > 0 && !harness.bridge.status.isUsable }
        // Another channel shows that nobody waits for a Redis that is known to be away.
        try harness.wait(for: "a channel without a history") {
            _ = harness.bridge.subscribe("kept")
            return !harness.bridge.subscribe("other") && harness.recorder.settled.contains("other")
        }
        #expect(harness.recorder.settled.filter { $0 == "kept" }.count == 1)
        let second = try RedisServer(port: port)
        try harness.wait(for: "the history") { harness.recorder.confirmed.filter { $0 == "kept" }.count == 2 }
        second.kill()
    }

    /// The page of a long stream is cut, and the rest is read at once.
    @Test func aLongHistoryIsReadInParts() throws {
        try run { harness, _, client in
            let payload = String(repeating: "x", count: 200_000)
            for _ in 0..<12 { _ = try client.command("FCALL", "pushd_publish", "1", "push:kept", payload) }
            try harness.subscribe("kept")
            #expect(harness.recorder.numbered.map(\.place.offset) == Array(1...12))
            #expect(harness.recorder.numbered.allSatisfy { $0.arrival == .past })
            #expect(harness.recorder.numbered.allSatisfy { $0.publication.payload.count == 200_000 })
        }
    }
}
