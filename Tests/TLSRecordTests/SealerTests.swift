import Testing

@testable import TLSRecord

@Suite struct SealerTests {
    private static let limit: UInt64 = 1 << 24

    @Test(arguments: RecordSuite.inUse)
    func contentHasItsPlace(suite: RecordSuite) throws {
        let peer = try Peer(suite)
        // TLS 1.2 with GCM has eight more bytes before the content (RFC 5288 3), TLS 1.3 one more after it (RFC 8446
        // 5.2).
        let isLong = suite.version == .tls12 && suite.aead != .chaCha20Poly1305
        #expect(peer.sealer.contentOffset == (isLong ? 13 : 5))
        #expect(peer.sealer.trailerBytes == (suite.version == .tls13 ? 17 : 16))
        #expect(peer.data("hello").count == peer.sealer.contentOffset + 5 + peer.sealer.trailerBytes)
    }

    /// RFC 8446 5.2: TLS 1.3 hides the types.
    @Test(arguments: RecordSuite.inUse)
    func headersSayWhatTheyMay(suite: RecordSuite) throws {
        for type in [.alert, .handshake, .applicationData] as [ContentType] {
            let record = try Peer(suite).record(type, [UInt8](repeating: 1, count: 1000))
            #expect(record[0] == (suite.version == .tls13 ? 23 : type.rawValue))
            #expect(record[1...2] == [3, 3])
            #expect(Int(record[3]) << 8 | Int(record[4]) == record.count - 5)
        }
    }

    @Test func recordsMayBeShorter() throws {
        #expect(try Peer(Secret(.aes128)).sealer.maxContentBytes == 16_384)
        #expect(try Peer(Secret(.aes128), maxContentBytes: 512).sealer.maxContentBytes == 512)
    }

    // MARK: Key updates (RFC 8446 4.6.3)

    @Test(arguments: RecordSuite.inUse)
    func noKeyUpdateIsDueAtFirst(suite: RecordSuite) throws {
        #expect(try Peer(suite).dueKeyUpdate == nil)
        #expect(try Peer(Secret(suite, sequence: SealerTests.limit - 1)).dueKeyUpdate == nil)
    }

    @Test(arguments: RecordSuite.ofTLS13)
    func thePeersWishIsDueUntilKeysChange(suite: RecordSuite) throws {
        let peer = try Peer(suite)
        let before = peer.data("before ")
        peer.sealer.askForKeyUpdate()
        peer.sealer.askForKeyUpdate()
        let message = try #require(peer.dueKeyUpdate)
        // update_not_requested: otherwise both ends would ask each other forever.
        #expect(message == [24, 0, 0, 1, 0])
        let update = peer.handshake(message)
        #expect(peer.dueKeyUpdate == message)
        peer.changeKeys()
        #expect(peer.dueKeyUpdate == nil)
        try expect(before + update + peer.data("behind"), suite, gives: "before behind")
    }

    /// RFC 8446 5.5.
    @Test(arguments: RecordSuite.ofTLS13)
    func aKeyProtectsNoMoreThanItMay(suite: RecordSuite) throws {
        let secret = Secret(suite, sequence: SealerTests.limit - 2)
        let peer = try Peer(secret)
        var bytes = peer.data("a")
        #expect(peer.dueKeyUpdate == nil)
        bytes += peer.data("b")
        let message = try #require(peer.dueKeyUpdate)
        bytes += peer.handshake(message)
        peer.changeKeys()
        #expect(peer.dueKeyUpdate == nil)
        bytes += peer.data("c")
        try expect(bytes, secret, gives: Array("abc".utf8))
    }

    /// TLS 1.2 has no key updates.
    @Test(arguments: RecordSuite.ofTLS12)
    func noKeyUpdateIsEverDueWithTLS12(suite: RecordSuite) throws {
        let peer = try Peer(Secret(suite, sequence: SealerTests.limit + 5))
        peer.sealer.askForKeyUpdate()
        #expect(peer.dueKeyUpdate == nil)
    }
}
