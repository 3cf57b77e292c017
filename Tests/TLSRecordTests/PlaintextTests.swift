import Testing

@testable import TLSRecord

/// The content of records: types, padding, lengths.
@Suite struct PlaintextTests {
    private let content = Array("hello".utf8)

    // MARK: Padding (RFC 8446 5.4)

    @Test(arguments: RecordSuite.ofTLS13, [0, 1, 2, 255, 16_384 - 5])
    func paddingIsNoData(suite: RecordSuite, count: Int) throws {
        let peer = try Peer(suite)
        let padded = peer.record(plaintext: content + [23] + [UInt8](repeating: 0, count: count))
        try expect(padded + peer.data("!"), suite, gives: "hello!")
    }

    @Test(arguments: RecordSuite.ofTLS13)
    func zerosOfTheContentStay(suite: RecordSuite) throws {
        let bytes = try Peer(suite).record(plaintext: [0, 1, 0, 0, 23, 0, 0])
        try expect(bytes, Secret(suite), gives: [0, 1, 0, 0])
    }

    @Test(arguments: RecordSuite.ofTLS13)
    func emptyDataMayBePadded(suite: RecordSuite) throws {
        let peer = try Peer(suite)
        let bytes = peer.record(plaintext: [23] + [UInt8](repeating: 0, count: 16_384)) + peer.data("x")
        try expect(bytes, suite, gives: "x")
    }

    @Test(arguments: RecordSuite.ofTLS13)
    func nothingButPaddingIsRefused(suite: RecordSuite) throws {
        for count in [0, 1, 2, 1000, 16_385] {
            let bytes = try Peer(suite).record(plaintext: [UInt8](repeating: 0, count: count))
            try expect(bytes, suite, then: .violation(.unexpectedMessage))
        }
    }

    // MARK: Types

    @Test(arguments: RecordSuite.inUse)
    func unknownTypesAreRefused(suite: RecordSuite) throws {
        let known = [20, 21, 22, 23] as [UInt8]
        // An inner zero would be padding.
        for type in 1...UInt8.max where !known.contains(type) {
            let received = try Received(
                [try Peer(suite).record(anyType: type, content)], Secret(suite), role: .server, with: RecordCiphers())
            #expect(received.data == [] && received.end == .violation(.unexpectedMessage), "type \(type)")
        }
        if suite.version == .tls12 {
            try expect(try Peer(suite).record(anyType: 0, content), suite, then: .violation(.unexpectedMessage))
        }
    }

    /// It is allowed only before the end of the handshake (RFC 8446 5, RFC 5246 7.1).
    @Test(arguments: RecordSuite.inUse)
    func changeCipherSpecIsRefused(suite: RecordSuite) throws {
        let peer = try Peer(suite)
        try expect(
            peer.data("x") + peer.record(.changeCipherSpec, [1]), suite, gives: "x",
            then: .violation(.unexpectedMessage))
    }

    @Test(arguments: RecordSuite.ofTLS13)
    func recordsLookLikeApplicationData(suite: RecordSuite) throws {
        let good = try Peer(suite).data("x")
        for type in UInt8.min...UInt8.max where type != 23 {
            // Refused without waiting for the rest of the header.
            try expect(good + [type], suite, gives: "x", then: .violation(.unexpectedMessage))
        }
        // Allowed for middleboxes during the handshake (RFC 8446 D.4), but not afterwards.
        try expect(good + [20, 3, 3, 0, 1, 1], suite, gives: "x", then: .violation(.unexpectedMessage))
        try expect([21, 3, 3, 0, 2, 2, 40], suite, then: .violation(.unexpectedMessage))
    }

    /// RFC 8446 5.1, RFC 5246 6.2.1.
    @Test(arguments: RecordSuite.inUse)
    func onlyDataMayBeEmpty(suite: RecordSuite) throws {
        for type in [.alert, .handshake, .changeCipherSpec] as [ContentType] {
            let peer = try Peer(suite)
            try expect(
                peer.data("x") + peer.record(type, []), suite, gives: "x", then: .violation(.emptyFragment))
        }
        let peer = try Peer(suite)
        try expect(peer.data("") + peer.data("x") + peer.data("") + peer.data(""), suite, gives: "x")
    }

    // MARK: Lengths

    @Test(arguments: RecordSuite.ofTLS13)
    func plaintextsOfTLS13HaveALimit(suite: RecordSuite) throws {
        let full = [UInt8](repeating: 7, count: 16_384)
        try expect(try Peer(suite).record(plaintext: full + [23]), Secret(suite), gives: full)
        // RFC 8446 5.4: the padding counts.
        for plaintext in [full + [7, 23], full + [23, 0], [23] + [UInt8](repeating: 0, count: 16_385)] {
            try expect(try Peer(suite).record(plaintext: plaintext), suite, then: .violation(.recordOverflow))
        }
        let longest = full + [UInt8](repeating: 7, count: 16_640 - 16 - full.count - 1) + [23]
        try expect(try Peer(suite).record(plaintext: longest), suite, then: .violation(.recordOverflow))
    }

    @Test(arguments: RecordSuite.ofTLS12)
    func plaintextsOfTLS12HaveALimit(suite: RecordSuite) throws {
        let full = [UInt8](repeating: 7, count: 16_384)
        try expect(try Peer(suite).record(plaintext: full), Secret(suite), gives: full)
        let longest = 16_384 + 2048 - suite.explicitNonceBytes - 16
        for count in [16_385, 17_000, longest] {
            let bytes = try Peer(suite).record(plaintext: [UInt8](repeating: 7, count: count))
            try expect(bytes, suite, then: .violation(.recordOverflow))
        }
    }

    /// RFC 8446 5.2, RFC 5246 6.2.3: refused by the header alone.
    @Test(arguments: RecordSuite.inUse)
    func tooLongRecordsAreRefusedByTheirHeader(suite: RecordSuite) throws {
        let limit = suite.version == .tls13 ? 16_640 : 18_432
        let good = try Peer(suite).data("x")
        for length in [limit + 1, limit + 256, 0xFFFF] {
            let header = [23, 3, 3, UInt8(length >> 8), UInt8(length & 0xFF)]
            try expect(good + header, suite, gives: "x", then: .violation(.recordOverflow))
            let cut = try Received(
                [good + header.dropLast()], Secret(suite), role: .server, with: RecordCiphers())
            #expect(cut.end == nil && cut.recordBytes == good.count)
        }
        let header = [23, 3, 3, UInt8(limit >> 8), UInt8(limit & 0xFF)]
        let allowed = try Received([good + header], Secret(suite), role: .server, with: RecordCiphers())
        #expect(allowed.end == nil && allowed.recordBytes == good.count)
    }
}
