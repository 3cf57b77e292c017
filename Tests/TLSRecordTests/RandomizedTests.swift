import TestSupport
import Testing

@testable import TLSRecord

/// Random sessions, split at random.
@Suite struct RandomizedTests {
    @Test(arguments: RecordSuite.inUse, [.client, .server] as [RecordReader.Role])
    func sessionsBringWhatWasSent(suite: RecordSuite, role: RecordReader.Role) throws {
        var random = SeededGenerator(seed: 1)
        for _ in 0..<25 {
            let session = try RandomSession(suite, role, &random)
            for _ in 0..<8 {
                let received = try Received(
                    random.pieces(of: session.bytes), Secret(suite), role: role, with: RecordCiphers())
                #expect(received.data == session.data)
                #expect(received.end == session.end)
                #expect(received.wantsKeyUpdate == session.wantsKeyUpdate)
            }
        }
    }

    @Test(arguments: RecordSuite.inUse, [.client, .server] as [RecordReader.Role])
    func damagedSessionsEndInTheSameWayHoweverTheyAreCut(suite: RecordSuite, role: RecordReader.Role) throws {
        var random = SeededGenerator(seed: 2)
        for _ in 0..<25 {
            let session = try RandomSession(suite, role, &random)
            var bytes = session.bytes
            let index = Int.random(in: bytes.indices, using: &random)
            bytes[index] ^= UInt8.random(in: 1...255, using: &random)
            let whole = try Received([bytes], Secret(suite), role: role, with: RecordCiphers())
            #expect(session.data.starts(with: whole.data))
            for _ in 0..<4 {
                let cut = try Received(
                    random.pieces(of: bytes), Secret(suite), role: role, with: RecordCiphers())
                #expect(cut == whole)
            }
        }
    }

    @Test(arguments: RecordSuite.inUse)
    func garbageBringsNothing(suite: RecordSuite) throws {
        var random = SeededGenerator(seed: 3)
        let ciphers = RecordCiphers()
        for _ in 0..<1000 {
            // Half of the input begins like a record, so that it gets further than the first byte.
            let start: [UInt8] = Bool.random(using: &random) ? [23, 3, 3, 0, random.bytes(1)[0] / 2] : []
            let bytes = start + random.bytes(Int.random(in: 0...150, using: &random))
            let whole = try Received([bytes], Secret(suite), role: .server, with: ciphers)
            #expect(whole.data.isEmpty)
            let cut = try Received(random.pieces(of: bytes), Secret(suite), role: .server, with: ciphers)
            #expect(cut == whole)
        }
    }
}

/// Valid input from a peer, and the expected output.
private struct RandomSession {
    private(set) var bytes: [UInt8] = []
    private(set) var data: [UInt8] = []
    private(set) var end: RecordReader.End?
    private(set) var wantsKeyUpdate = false

    init(_ suite: RecordSuite, _ role: RecordReader.Role, _ random: inout SeededGenerator) throws {
        let peer = try Peer(suite)
        addData(peer, &random)
        for _ in 0..<Int.random(in: 0...12, using: &random) {
            if Int.random(in: 0..<3, using: &random) == 0 {
                addMessage(peer, role, &random)
            } else {
                addData(peer, &random)
            }
        }
        switch Int.random(in: 0..<4, using: &random) {
        case 0:
            bytes += peer.alert(1, 0) + random.bytes(20)
            end = .closeNotify
        case 1:
            bytes += peer.alert(2, 80)
            end = .alert(80)
        default: break
        }
    }

    private mutating func addData(_ peer: Peer, _ random: inout SeededGenerator) {
        let sizes = [0, 1, 40, 40, 300, 16_384]
        let content = random.bytes(Int.random(in: 0...(sizes.randomElement(using: &random) ?? 0), using: &random))
        let padding = Bool.random(using: &random) ? min(16_384 - content.count, 30) : 0
        bytes +=
            peer.suite.version == .tls12
            ? peer.data(content)
            : peer.record(plaintext: content + [23] + [UInt8](repeating: 0, count: padding))
        data += content
    }

    private mutating func addMessage(_ peer: Peer, _ role: RecordReader.Role, _ random: inout SeededGenerator) {
        switch (peer.suite.version, role, Int.random(in: 0..<3, using: &random)) {
        case (.tls12, _, 0): bytes += peer.alert(1, 100)
        case (.tls13, _, 0): bytes += peer.alert(1, 90)
        case (.tls12, .client, _): bytes += inFragments([0, 0, 0, 0], peer, &random)
        case (.tls12, .server, _): break
        case (.tls13, .client, 1):
            bytes += inFragments(Peer.ticket(Int.random(in: 0...500, using: &random)), peer, &random)
        case (.tls13, _, _):
            let request = UInt8.random(in: 0...1, using: &random)
            bytes += inFragments(Peer.keyUpdateMessage(request), peer, &random)
            peer.changeKeys()
            wantsKeyUpdate = wantsKeyUpdate || request == 1
        }
    }

    private func inFragments(_ message: [UInt8], _ peer: Peer, _ random: inout SeededGenerator) -> [UInt8] {
        random.pieces(of: message).filter { !$0.isEmpty }.flatMap { peer.handshake($0) }
    }
}

extension SeededGenerator {
    /// The bytes, split at up to eight places.
    fileprivate mutating func pieces(of bytes: [UInt8]) -> [[UInt8]] {
        let cuts = (0..<Int.random(in: 0...8, using: &self)).map { _ in Int.random(in: 0...bytes.count, using: &self) }
        var start = 0
        return (cuts.sorted() + [bytes.count]).map { end in
            defer { start = end }
            return Array(bytes[start..<end])
        }
    }
}
