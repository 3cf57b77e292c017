import Bytes
import COpenSSL
import Glibc
import Testing

@testable import WSLoop

@Suite struct TLSTransferTests {
    private static let sizes = [
        1, 2, 1000, 16_383, 16_384, 16_385, 65_536, 100_000, 262_144, 1_048_577, 5_242_880,
    ]

    /// Everything arrives, in order, through writes that take a part and buffers that move.
    @Test(arguments: TLSVersion.allCases, TLSPair.Ours.allCases)
    func bytesArriveBothWays(version: TLSVersion, ours: TLSPair.Ours) throws {
        for size in TLSTransferTests.sizes { try transfer(size, TLSPair(version: version, ours: ours)) }
    }

    /// Each of the ciphers that a TLS 1.2 handshake may end with.
    @Test(arguments: ["AES128-GCM-SHA256", "AES256-GCM-SHA384", "CHACHA20-POLY1305"], TLSPair.Ours.allCases)
    func theCiphersOfTLS12(cipher: String, ours: TLSPair.Ours) throws {
        let pair = try TLSPair(version: .v12, ours: ours)
        #expect(unsafe SSL_set_cipher_list(pair.client.raw, "ECDHE-ECDSA-\(cipher):ECDHE-RSA-\(cipher)") == 1)
        try transfer(100_000, pair)
    }

    @Test(
        arguments: ["TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256"],
        TLSPair.Ours.allCases)
    func theCiphersOfTLS13(cipher: String, ours: TLSPair.Ours) throws {
        let pair = try TLSPair(ours: ours)
        #expect(unsafe SSL_set_ciphersuites(pair.client.raw, cipher) == 1)
        try transfer(100_000, pair)
    }

    /// RFC 6066 4: a client with little memory asks for small records.
    @Test(arguments: TLSVersion.allCases)
    func smallRecordsAreMadeForAClientThatWantsThem(version: TLSVersion) throws {
        let pair = try TLSPair(version: version, isDirect: false, ours: .server)
        #expect(unsafe SSL_set_tlsext_max_fragment_length(pair.client.raw, 1) == 1)
        try pair.establish()
        while pair.moveWire() {}
        #expect(pair.server.send(randomBytes(2000).rawSpan) == .accepted(2000))
        var records = [UInt8](repeating: 0, count: 4000)
        let count = unsafe recv(pair.serverEnds.first, &records, records.count, Int32(MSG_PEEK))
        var lengths: [Int] = []
        var offset = 0
        while offset < count {
            lengths.append(Int(records[offset + 3]) << 8 | Int(records[offset + 4]))
            offset += 5 + (lengths.last ?? 0)
        }
        let overhead = version == .v13 ? 17 : 24
        #expect(lengths == [512, 512, 512, 464].map { $0 + overhead })
        while pair.moveWire() {}
        let atClient = Receiving(from: pair.client)
        atClient.step()
        #expect(atClient.bytes.count == 2000)
    }

    private func transfer(_ size: Int, _ pair: TLSPair) throws {
        try pair.establish()
        let (up, down) = (randomBytes(size), randomBytes(size))
        let sendings = [Sending(up, through: pair.client), Sending(down, through: pair.server)]
        let atServer = Receiving(from: pair.server, bufferBytes: 20_000)
        let atClient = Receiving(from: pair.client, bufferBytes: 262_144)
        var turns = 0
        while atServer.bytes.count < size || atClient.bytes.count < size {
            turns += 1
            guard turns < 1_000_000 else { throw TestFailure(description: "no progress") }
            for sending in sendings { try sending.step() }
            atServer.step()
            atClient.step()
        }
        #expect(atServer.bytes == up)
        #expect(atClient.bytes == down)
    }

    @Test(arguments: TLSVersion.allCases, TLSPair.Ours.allCases)
    func bytesArriveInSmallPieces(version: TLSVersion, ours: TLSPair.Ours) throws {
        let pair = try TLSPair(version: version, isDirect: false, ours: ours)
        try pair.establish()
        pair.wireBytesPerStep = 7
        let bytes = randomBytes(40_000)
        let sending = Sending(bytes, through: pair.client)
        let atServer = Receiving(from: pair.server)
        while atServer.bytes.count < bytes.count {
            try sending.step()
            guard pair.moveWire() else { throw TestFailure(description: "the wire is dry") }
            atServer.step()
        }
        #expect(atServer.bytes == bytes)
    }

    @Test func anOffsetAndNothing() throws {
        let pair = try TLSPair()
        try pair.establish()
        let bytes = randomBytes(100)
        #expect(pair.client.send(bytes.rawSpan, from: 90) == .accepted(10))
        #expect(pair.client.send(bytes.rawSpan, from: 100) == .accepted(0))
        let atServer = Receiving(from: pair.server)
        atServer.step()
        #expect(atServer.bytes == Array(bytes.suffix(10)))
    }

    // MARK: What the descriptor does not tell

    /// What was received is handed over, so that the descriptor tells of all that is left.
    @Test func allRecordsThatArrivedAreRead() throws {
        let pair = try TLSPair()
        try pair.establish()
        let bytes = randomBytes(30)
        for offset in [0, 10, 20] {
            let part = Array(bytes[offset..<offset + 10])
            #expect(pair.client.send(part.rawSpan) == .accepted(10))
        }
        let buffer = ReadBuffer(byteCount: 20_000)
        #expect(pair.server.read(into: buffer) == .bytes(30))
        buffer.withContent {
            var content: [UInt8] = []
            content.append($0)
            #expect(content == bytes)
        }
        #expect(!pair.server.hasPendingInput)
        #expect(pair.server.read(into: buffer) == .wouldBlock)
    }

    /// So much is taken from the kernel at most, whatever it makes.
    @Test func aReadTakesAPartOfWhatArrived() throws {
        let pair = try TLSPair()
        try pair.establish()
        for _ in 0..<3 { #expect(pair.client.send(randomBytes(10).rawSpan) == .accepted(10)) }
        let buffer = ReadBuffer(byteCount: 20_000)
        // A record of ten bytes is 32 long.
        #expect(pair.server.read(into: buffer, atMost: 40) == .bytes(10))
        #expect(!pair.server.hasPendingInput)
        #expect(pair.server.read(into: buffer, atMost: 23) == .wouldBlock)
        #expect(pair.server.read(into: buffer, atMost: 1) == .bytes(10))
        #expect(pair.server.read(into: buffer) == .bytes(10))
    }

    /// Whoever reads while there is pending input must not spin on half a record.
    @Test func halfARecordIsNotPendingInput() throws {
        let pair = try TLSPair(version: .v12, isDirect: false)
        try pair.establish()
        while pair.moveWire() {}
        for _ in 0..<2 { #expect(pair.client.send(randomBytes(1000).rawSpan) == .accepted(1000)) }
        pair.wireBytesPerStep = 1500
        pair.moveWire()
        let buffer = ReadBuffer(byteCount: 20_000)
        #expect(pair.server.read(into: buffer) == .bytes(1000))
        #expect(!pair.server.hasPendingInput)
        #expect(pair.server.read(into: buffer) == .wouldBlock)
        #expect(!pair.server.hasPendingInput)
        pair.moveWire()
        #expect(pair.server.read(into: buffer) == .bytes(1000))
    }

    // MARK: Ends

    @Test(arguments: TLSVersion.allCases)
    func closeNotifyIsTheEndOfOneDirection(version: TLSVersion) throws {
        let pair = try TLSPair(version: version)
        try pair.establish()
        #expect(pair.client.send(randomBytes(10).rawSpan) == .accepted(10))
        pair.client.closeNotify()
        pair.client.closeNotify()
        let buffer = ReadBuffer(byteCount: 20_000)
        #expect(pair.server.read(into: buffer) == .bytes(10))
        #expect(pair.server.hasPendingInput)
        for _ in 0..<2 {
            #expect(pair.server.read(into: buffer) == .endOfStream)
            #expect(!pair.server.hasPendingInput)
        }
        #expect(pair.server.send(randomBytes(20).rawSpan) == .accepted(20))
        #expect(pair.client.read(into: buffer) == .bytes(20))
        pair.server.closeNotify()
        #expect(pair.client.read(into: buffer) == .endOfStream)
        guard case .failed = pair.client.send(randomBytes(1).rawSpan) else {
            Issue.record("a send after close_notify succeeds")
            return
        }
    }

    @Test(arguments: TLSVersion.allCases)
    func anEndWithoutCloseNotifyIsATruncatedStream(version: TLSVersion) throws {
        let pair = try TLSPair(version: version)
        try pair.establish()
        let buffer = ReadBuffer(byteCount: 20_000)
        #expect(pair.client.read(into: buffer) == .wouldBlock)
        #expect(pair.server.send(randomBytes(10).rawSpan) == .accepted(10))
        pair.serverEnds.close(pair.serverDescriptor)
        #expect(pair.client.read(into: buffer) == .bytes(10))
        #expect(pair.client.read(into: buffer) == .truncated)
        #expect(pair.client.read(into: buffer) == .truncated)
    }

    @Test func aChangedByteBreaksTheSession() throws {
        let pair = try TLSPair(isDirect: false)
        try pair.establish()
        while pair.moveWire() {}
        #expect(pair.client.send(randomBytes(10).rawSpan) == .accepted(10))
        var record = [UInt8](repeating: 0, count: 100)
        let count = unsafe recv(pair.clientEnds.second, &record, record.count, 0)
        record[count - 1] ^= 1
        #expect(unsafe send(pair.serverEnds.first, record, count, 0) == count)
        let buffer = ReadBuffer(byteCount: 20_000)
        let expected = TLSSession.ReadResult.failed(reason: "decryption failed or bad record mac")
        #expect(pair.server.read(into: buffer) == expected)
        #expect(pair.server.read(into: buffer) == expected)
        guard case .failed = pair.server.send(record.rawSpan) else {
            Issue.record("a send after the failure succeeds")
            return
        }
        pair.server.closeNotify()
        pair.moveWire()
        #expect(pair.client.read(into: buffer) == .failed(reason: "sslv3 alert bad record mac"))
    }

    /// The descriptor is its owner's.
    @Test func theDescriptorOutlivesTheSession() throws {
        let ends = try Ends()
        do {
            let context = try TLSContext(client: TLSClientOptions())
            _ = try TLSSession(context: context, connected: ends.first, to: "localhost")
        }
        let bytes: [UInt8] = [1]
        #expect(Socket.send(bytes.rawSpan, to: ends.first) == .accepted(1))
    }

    // MARK: What may come after the handshake

    /// RFC 8446 4.6.3: keys change in both directions, whoever asks, while data goes both ways.
    @Test(arguments: [TLSPair.Ours.client, .server], [SSL_KEY_UPDATE_REQUESTED, SSL_KEY_UPDATE_NOT_REQUESTED])
    func keysChange(ours: TLSPair.Ours, kind: Int32) throws {
        let pair = try TLSPair(ours: ours)
        try pair.establish()
        let (mine, other) = ours == .server ? (pair.server, pair.client) : (pair.client, pair.server)
        let (atMine, atOther) = (Receiving(from: mine), Receiving(from: other))
        var (sent, answered): ([UInt8], [UInt8]) = ([], [])
        for _ in 0..<30 {
            #expect(unsafe SSL_key_update(other.raw, kind) == 1)
            let (question, answer) = (randomBytes(1000), randomBytes(1000))
            #expect(other.send(question.rawSpan) == .accepted(1000))
            atMine.step()
            #expect(mine.send(answer.rawSpan) == .accepted(1000))
            atOther.step()
            sent += question
            answered += answer
        }
        #expect(atMine.bytes == sent)
        #expect(atOther.bytes == answered)
    }

    /// The new keys wait for the next data, and so behind a record that the kernel has not wholly taken.
    @Test(arguments: [TLSPair.Ours.client, .server])
    func aKeyUpdateThatHasToWait(ours: TLSPair.Ours) throws {
        let pair = try TLSPair(ours: ours)
        try pair.establish()
        let (mine, other) = ours == .server ? (pair.server, pair.client) : (pair.client, pair.server)
        let bytes = randomBytes(5_000_000)
        let sending = Sending(bytes, through: mine)
        for _ in 0..<50 { try sending.step() }
        #expect(!sending.isDone)
        let (atMine, atOther) = (Receiving(from: mine), Receiving(from: other))
        var sent: [UInt8] = []
        var turns = 0
        while atOther.bytes.count < bytes.count || atMine.bytes.count < sent.count {
            if turns % 5 == 0 {
                #expect(unsafe SSL_key_update(other.raw, SSL_KEY_UPDATE_REQUESTED) == 1)
                let part = randomBytes(1000)
                #expect(other.send(part.rawSpan) == .accepted(1000))
                sent += part
            }
            turns += 1
            guard turns < 100_000 else { throw TestFailure(description: "no progress") }
            atMine.step()
            try sending.step()
            atOther.step()
        }
        #expect(sent.count > 1000)
        #expect(atOther.bytes == bytes)
        #expect(atMine.bytes == sent)
    }

    @Test func renegotiationIsRefused() throws {
        let pair = try TLSPair(version: .v12, ours: .server)
        try establishAndRenegotiate(pair, from: pair.client)
        let buffer = ReadBuffer(byteCount: 20_000)
        #expect(pair.server.read(into: buffer) == .failed(reason: "renegotiation is off"))
        #expect(pair.client.read(into: buffer) == .failed(reason: "tlsv1 alert no renegotiation"))
    }

    /// RFC 5246 7.4.1.1.
    @Test func aServersWishForAnotherHandshakeIsIgnored() throws {
        let pair = try TLSPair(version: .v12, ours: .client)
        try establishAndRenegotiate(pair, from: pair.server)
        let buffer = ReadBuffer(byteCount: 20_000)
        #expect(pair.client.read(into: buffer) == .wouldBlock)
    }

    private func establishAndRenegotiate(_ pair: TLSPair, from end: any TLSEnd) throws {
        unsafe SSL_clear_options(end.raw, COPENSSL_OP_NO_RENEGOTIATION)
        try pair.establish()
        #expect(unsafe SSL_renegotiate(end.raw) == 1)
        unsafe SSL_do_handshake(end.raw)
    }
}
