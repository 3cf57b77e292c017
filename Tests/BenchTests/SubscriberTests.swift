import Bytes
import Testing
import WebSocket

@testable import Bench

private let run = RunID(7)

/// A subscriber on channel 0, and its input from a server.
private struct Fixture {
    let tally = Tally(channels: 1)
    let subscriber: Subscriber
    let answer: [UInt8]

    init() throws {
        let handshake = try ClientHandshake(host: "h", target: "/ws", nonce: 0)
        subscriber = Subscriber(
            handshake, channel: 0, limits: ConnectionMachine.Limits(maxMessageBytes: 1000, maxFragments: 10))
        let accept = AcceptKey(for: Array("AAAAAAAAAAAAAAAAAAAAAA==".utf8).rawSpan).text
        answer = Array(
            """
            HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
            Sec-WebSocket-Accept: \(accept)\r\n\r\n
            """.utf8)
        tally.joined(0)
        tally.measure(fromNanoseconds: 0)
    }

    /// Reads bytes in pieces of at most `size` bytes; returns the changes.
    func receive(_ bytes: [UInt8], atMost size: Int = .max) -> [Subscriber.Change] {
        var changes: [Subscriber.Change] = []
        var keys = MaskingKeys()
        var start = 0
        while start < bytes.count {
            let end = min(start + min(size, bytes.count), bytes.count)
            let piece = Array(bytes[start..<end])
            var offset = 0
            while let change = subscriber.receive(
                piece.rawSpan, from: &offset, atNanoseconds: 1000, stamp: Stamp(run: run), keys: &keys, tally: tally)
            {
                changes.append(change)
            }
            start = end
        }
        return changes
    }

    /// The output after the handshake's request.
    func sent() -> [UInt8] {
        let output = subscriber.output
        subscriber.outputTaken(output.count)
        return output
    }
}

private func frame(_ opcode: Opcode, _ payload: [UInt8]) -> [UInt8] {
    var bytes: [UInt8] = []
    FrameEncoder.appendFrame(opcode, payload.rawSpan, to: &bytes)
    return bytes
}

private func message(_ run: RunID, _ time: UInt64) -> [UInt8] {
    var bytes: [UInt8] = []
    Stamp(run: run).appendBody(atNanoseconds: time, byteCount: 200, to: &bytes)
    return bytes
}

@Suite struct SubscriberTests {
    @Test(arguments: [1, 2, 3, 7, 64, 1000, .max])
    func messagesAreCountedInAnyPieces(size: Int) throws {
        let fixture = try Fixture()
        let request = fixture.sent()
        #expect(request.starts(with: Array("GET /ws HTTP/1.1\r\n".utf8)))
        let stream =
            fixture.answer + frame(.text, message(run, 400)) + frame(.ping, [1, 2]) + frame(.binary, message(run, 900))
            + frame(.text, message(RunID(8), 1)) + frame(.pong, [])
        #expect(fixture.receive(stream, atMost: size) == [.opened])
        #expect(fixture.subscriber.arrived == 2)
        #expect(fixture.tally.deliveries == 2)
        #expect(fixture.tally.strays == 1)
        #expect(fixture.tally.measured.bytes == 400)
        var report = Report()
        report.count(fixture.tally)
        #expect(try #require(report.latency).maximum >= 600, "the first was due at 400 and read at 1000")
        #expect(fixture.sent().starts(with: [0x8A, 0x82]), "a masked pong of two bytes")
        #expect(fixture.subscriber.wasOpened)
    }

    @Test func aRefusalNamesTheStatus() throws {
        let fixture = try Fixture()
        let changes = fixture.receive(Array("HTTP/1.1 503 x\r\nContent-Length: 0\r\n\r\n".utf8))
        #expect(changes == [.refused("the server answered with status 503")])
        #expect(!fixture.subscriber.wasOpened)
        #expect(fixture.subscriber.ended("again") == nil)
    }

    @Test func anInterimAnswerIsPassedOver() throws {
        let fixture = try Fixture()
        let early = Array("HTTP/1.1 103 Early Hints\r\n\r\n".utf8)
        #expect(fixture.receive(early + fixture.answer) == [.opened])
    }

    @Test func whatIsNoHTTPIsRefused() throws {
        let fixture = try Fixture()
        let changes = fixture.receive(Array("SSH-2.0-x\r\n".utf8))
        #expect(changes == [.refused("the status line is not: version, space, three digits, space, reason")])
    }

    @Test func aCloseIsAnsweredAndALoss() throws {
        let fixture = try Fixture()
        var close: [UInt8] = []
        FrameEncoder.appendClose(.tryAgainLater, reason: "too\nslow", to: &close)
        let stream = fixture.answer + frame(.text, message(run, 1)) + close + frame(.text, message(run, 2))
        #expect(fixture.receive(stream) == [.opened, .lost("the server closed with 1013 \"too\\nslow\"")])
        #expect(fixture.subscriber.arrived == 1, "nothing counts after a Close frame")
        #expect(fixture.sent().dropFirst(fixture.requestCount).starts(with: [0x88, 0x82]))
    }

    @Test func aViolationIsALoss() throws {
        let fixture = try Fixture()
        #expect(fixture.receive(fixture.answer + [0xFF]) == [.opened])
        #expect(fixture.receive([0x00]) == [.lost("reserved bit set")])
    }

    @Test func theServersEndBehindOurCloseIsNoLoss() throws {
        let fixture = try Fixture()
        var keys = MaskingKeys()
        let wasClosedEarly = fixture.subscriber.close(keys: &keys)
        #expect(!wasClosedEarly, "it is not open yet")
        _ = fixture.receive(fixture.answer)
        _ = fixture.sent()
        let isClosed = fixture.subscriber.close(keys: &keys)
        #expect(isClosed)
        #expect(fixture.sent().starts(with: [0x88, 0x82]))
        var close: [UInt8] = []
        FrameEncoder.appendClose(.normal, to: &close)
        #expect(fixture.receive(frame(.text, message(run, 1)) + close) == [])
        #expect(fixture.subscriber.arrived == 1)
        #expect(fixture.subscriber.ended("end of stream") == .closed)
    }
}

extension Fixture {
    fileprivate var requestCount: Int {
        (try? ClientHandshake(host: "h", target: "/ws", nonce: 0))?.request.count ?? 0
    }
}
