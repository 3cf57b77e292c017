import TestSupport
import Testing

@testable import TLSRecord

/// Messages after the handshake: key updates, tickets, and messages that are not allowed.
@Suite struct MessageTests {
    private static let roles: [RecordReader.Role] = [.client, .server]

    // MARK: Key updates (RFC 8446 4.6.3)

    @Test(arguments: RecordSuite.ofTLS13, roles)
    func theNextKeysFollowAKeyUpdate(suite: RecordSuite, role: RecordReader.Role) throws {
        let peer = try Peer(suite)
        var bytes = peer.data("a")
        for letter in ["b", "c", "d"] { bytes += peer.keyUpdate() + peer.data(letter) }
        try expect(bytes, suite, role: role, gives: "abcd")
    }

    @Test(arguments: RecordSuite.ofTLS13)
    func theOldKeysAreGone(suite: RecordSuite) throws {
        let peer = try Peer(suite)
        let bytes = peer.handshake(Peer.keyUpdateMessage()) + peer.data("a")
        try expect(bytes, suite, then: .violation(.badRecordMAC))
    }

    @Test(arguments: RecordSuite.ofTLS13)
    func onlyARequestIsAnswered(suite: RecordSuite) throws {
        try expect(try Peer(suite).keyUpdate(0), suite, wantsKeyUpdate: false)
        try expect(try Peer(suite).keyUpdate(1), suite, wantsKeyUpdate: true)
        let peer = try Peer(suite)
        let bytes = peer.data("a") + peer.keyUpdate(1) + peer.data("b") + peer.keyUpdate(0) + peer.data("c")
        try expect(bytes, suite, gives: "abc", wantsKeyUpdate: true)
    }

    @Test func aRequestIsToldOnce() throws {
        let peer = try Peer(.aes128)
        let ciphers = RecordCiphers()
        var reader = RecordReader(try Secret(.aes128).keys(), role: .server)
        for (request, isWanted) in [(1, true), (0, false), (1, true)] as [(UInt8, Bool)] {
            var bytes = peer.keyUpdate(request)
            _ = reader.read(&bytes, with: ciphers)
            let wantsKeyUpdate = reader.wantsKeyUpdate
            #expect(wantsKeyUpdate == isWanted)
            bytes = peer.data("a")
            _ = reader.read(&bytes, with: ciphers)
            let stillWantsIt = reader.wantsKeyUpdate
            #expect(!stillWantsIt)
        }
    }

    @Test(arguments: RecordSuite.ofTLS13, 1..<5)
    func aKeyUpdateMayBeInTwoRecords(suite: RecordSuite, cut: Int) throws {
        let message = Peer.keyUpdateMessage(1)
        let peer = try Peer(suite)
        var bytes = peer.data("a") + peer.handshake(Array(message[..<cut])) + peer.handshake(Array(message[cut...]))
        peer.changeKeys()
        bytes += peer.data("b")
        try expect(bytes, suite, gives: "ab", wantsKeyUpdate: true)
    }

    /// RFC 8446 5.1: keys change between records.
    @Test(arguments: RecordSuite.ofTLS13)
    func nothingFollowsAKeyUpdateInItsRecord(suite: RecordSuite) throws {
        let message = Peer.keyUpdateMessage()
        for behind in [[24], message, Peer.ticket(5), [0]] as [[UInt8]] {
            let peer = try Peer(suite)
            let bytes = peer.data("a") + peer.handshake(message + behind) + peer.data("b")
            try expect(bytes, suite, role: .client, gives: "a", then: .violation(.messageAcrossKeyChange))
        }
        let peer = try Peer(suite)
        let bytes = peer.handshake(Peer.ticket(7) + message)
        peer.changeKeys()
        try expect(bytes + peer.data("b"), suite, role: .client, gives: "b")
    }

    /// Each costs the reader more than the sender, so a few are free and each further one needs 16 records of data.
    @Test(arguments: RecordSuite.ofTLS13)
    func keyUpdatesAreBoundedByTheRecordsOfData(suite: RecordSuite) throws {
        let peer = try Peer(suite)
        var bytes: [UInt8] = []
        for _ in 0..<32 { bytes += peer.keyUpdate() + peer.data("") }
        for _ in 0..<3 {
            for _ in 0..<16 { bytes += peer.data("a") }
            bytes += peer.keyUpdate()
        }
        let text = String(repeating: "a", count: 3 * 16)
        try expect(bytes, suite, gives: text)
        try expect(bytes + peer.keyUpdate(), suite, gives: text, then: .violation(.tooManyKeyUpdates))
    }

    /// Each of the 34 bytes pays for a 16th of a change.
    @Test(arguments: RecordSuite.ofTLS13)
    func aByteOfDataDoesNotPayForManyKeyUpdates(suite: RecordSuite) throws {
        let peer = try Peer(suite)
        var bytes: [UInt8] = []
        for _ in 0..<34 { bytes += peer.keyUpdate() + peer.data("a") }
        let text = String(repeating: "a", count: 34)
        try expect(bytes + peer.keyUpdate(), suite, gives: text, then: .violation(.tooManyKeyUpdates))
    }

    /// Earlier data is not saved up for later updates.
    @Test func muchDataDoesNotPayInAdvance() throws {
        let peer = try Peer(.aes128)
        var bytes: [UInt8] = []
        for _ in 0..<200 { bytes += peer.data("a") }
        for _ in 0..<33 { bytes += peer.keyUpdate() }
        let text = String(repeating: "a", count: 200)
        try expect(bytes, .aes128, gives: text, then: .violation(.tooManyKeyUpdates))
    }

    @Test(arguments: RecordSuite.ofTLS13)
    func aKeyUpdateIsARequestOrNot(suite: RecordSuite) throws {
        for request in 2...UInt8.max {
            let received = try Received(
                [try Peer(suite).keyUpdate(request)], Secret(suite), role: .server, with: RecordCiphers())
            #expect(received.end == .violation(.illegalParameter))
        }
        for content in [[24, 0, 0, 0], [24, 0, 0, 2, 0, 0], [24, 0, 0, 5, 0, 0, 0, 0, 0]] as [[UInt8]] {
            try expect(try Peer(suite).handshake(content), suite, then: .violation(.malformedMessage))
        }
    }

    @Test(arguments: RecordSuite.ofTLS12, roles)
    func tls12HasNoKeyUpdate(suite: RecordSuite, role: RecordReader.Role) throws {
        let bytes = try Peer(suite).handshake(Peer.keyUpdateMessage())
        try expect(bytes, suite, role: role, then: .violation(.unexpectedMessage))
    }

    // MARK: Tickets (RFC 8446 4.6.1)

    @Test(arguments: RecordSuite.ofTLS13)
    func aClientIgnoresTickets(suite: RecordSuite) throws {
        for size in [0, 1, 200, 16_000] {
            let peer = try Peer(suite)
            let ticket = Peer.ticket(size)
            let bytes = peer.data("a") + peer.handshake(ticket) + peer.handshake(ticket) + peer.data("b")
            try expect(bytes, suite, role: .client, gives: "ab")
        }
        let peer = try Peer(suite)
        let two = peer.handshake(Peer.ticket(10) + Peer.ticket(0) + Peer.ticket(20)) + peer.data("b")
        try expect(two, suite, role: .client, gives: "b")
    }

    @Test(arguments: RecordSuite.ofTLS13)
    func aTicketMayBeInManyRecords(suite: RecordSuite) throws {
        var random = SeededGenerator(seed: 3)
        for _ in 0..<10 {
            let peer = try Peer(suite)
            // The messages do not end where the records end.
            var rest = ([10, 0, 300] + [Int.random(in: 0...100, using: &random)]).flatMap { Peer.ticket($0) }[...]
            var bytes = peer.data("a")
            while !rest.isEmpty {
                let part = rest.prefix(Int.random(in: 1...60, using: &random))
                bytes += peer.handshake(Array(part))
                rest = rest.dropFirst(part.count)
            }
            try expect(bytes + peer.data("b"), suite, role: .client, gives: "ab")
        }
    }

    @Test(arguments: RecordSuite.ofTLS13)
    func aTicketIsNotTooLong(suite: RecordSuite) throws {
        for (size, end) in [(65_536, nil), (65_537, .violation(.malformedMessage))] as [(Int, RecordReader.End?)] {
            let peer = try Peer(suite)
            var rest = Peer.ticket(size)[...]
            var bytes: [UInt8] = []
            while !rest.isEmpty {
                bytes += peer.handshake(Array(rest.prefix(16_384)))
                rest = rest.dropFirst(16_384)
            }
            let received = try Received([bytes], Secret(suite), role: .client, with: RecordCiphers())
            #expect(received.end == end)
        }
    }

    @Test(arguments: RecordSuite.inUse)
    func aRecordMayBeFullOfMessages(suite: RecordSuite) throws {
        let type: UInt8 = suite.version == .tls13 ? 4 : 0
        let peer = try Peer(suite)
        let messages = [[UInt8]](repeating: [type, 0, 0, 0], count: 4096).flatMap { $0 }
        try expect(peer.handshake(messages) + peer.data("a"), suite, role: .client, gives: "a")
    }

    @Test(arguments: RecordSuite.ofTLS13)
    func aServerRefusesTickets(suite: RecordSuite) throws {
        let peer = try Peer(suite)
        try expect(
            peer.data("a") + peer.handshake(Peer.ticket(10)), suite, gives: "a", then: .violation(.unexpectedMessage))
    }

    // MARK: Halves

    /// RFC 8446 5.1.
    @Test(arguments: RecordSuite.ofTLS13)
    func nothingComesIntoAHalfMessage(suite: RecordSuite) throws {
        for half in [Array(Peer.keyUpdateMessage().dropLast()), [24], Array(Peer.ticket(10).dropLast())] {
            for type in [.applicationData, .alert] as [ContentType] {
                for content in [[1, 0], [2, 40]] as [[UInt8]] {
                    let peer = try Peer(suite)
                    let bytes = peer.data("a") + peer.handshake(half) + peer.record(type, content)
                    try expect(
                        bytes, suite, role: .client, gives: "a", then: .violation(.unexpectedMessage))
                }
            }
            let peer = try Peer(suite)
            let bytes = peer.handshake(half) + peer.data("")
            try expect(bytes, suite, role: .client, then: .violation(.unexpectedMessage))
        }
    }

    /// The header announces the length: it is refused without waiting for the message.
    @Test(arguments: RecordSuite.inUse, roles)
    func aMessageIsRefusedByItsHeader(suite: RecordSuite, role: RecordReader.Role) throws {
        for type in UInt8.min...UInt8.max {
            // 2^24 - 1 bytes are more than any message may have.
            let bytes = try Peer(suite).handshake([type, 0xFF, 0xFF, 0xFF])
            let received = try Received([bytes], Secret(suite), role: role, with: RecordCiphers())
            switch (suite.version, role, type) {
            case (.tls13, _, 24), (.tls13, .client, 4), (.tls12, .client, 0):
                #expect(received.end == .violation(.malformedMessage), "type \(type)")
            case (.tls12, .server, 1): #expect(received.end == .violation(.renegotiation))
            default: #expect(received.end == .violation(.unexpectedMessage), "type \(type)")
            }
        }
    }

    // MARK: TLS 1.2

    /// RFC 5246 7.4.1.1.
    @Test(arguments: RecordSuite.ofTLS12)
    func aClientIgnoresHelloRequests(suite: RecordSuite) throws {
        let peer = try Peer(suite)
        let bytes =
            peer.data("a") + peer.handshake([0, 0, 0, 0]) + peer.data("b") + peer.handshake([0, 0, 0, 0, 0, 0, 0, 0])
            + peer.data("c") + peer.handshake([0, 0]) + peer.handshake([0, 0]) + peer.data("d")
        try expect(bytes, suite, role: .client, gives: "abcd")
        let long = try Peer(suite).handshake([0, 0, 0, 1, 0])
        try expect(long, suite, role: .client, then: .violation(.malformedMessage))
    }

    @Test(arguments: RecordSuite.ofTLS12)
    func aClientMayNotRenegotiate(suite: RecordSuite) throws {
        let peer = try Peer(suite)
        let hello = [1, 0, 0, 40] + [UInt8](repeating: 3, count: 40)
        try expect(peer.data("a") + peer.handshake(hello), suite, gives: "a", then: .violation(.renegotiation))
    }

    /// Either end sends a message that it must not send.
    @Test(arguments: RecordSuite.inUse, roles)
    func otherMessagesAreRefused(suite: RecordSuite, role: RecordReader.Role) throws {
        for type in UInt8.min...UInt8.max {
            switch (suite.version, role, type) {
            case (.tls13, _, 24), (.tls13, .client, 4), (.tls12, .client, 0), (.tls12, .server, 1): continue
            default: break
            }
            let peer = try Peer(suite)
            let bytes = peer.data("a") + peer.handshake([type, 0, 0, 1, 0]) + peer.data("b")
            let received = try Received([bytes], Secret(suite), role: role, with: RecordCiphers())
            #expect(received.data == Array("a".utf8) && received.end == .violation(.unexpectedMessage), "type \(type)")
        }
    }
}
