import Bytes
import COpenSSL
import Glibc
import Testing

@testable import WSLoop

@Suite struct TLSTransferTests {
    private static let sizes = [
        1, 2, 1000, 16_383, 16_384, 16_385, 65_536, 100_000, 262_144, 1_048_577, 5_242_880,
    ]

    /// Everything arrives, in order, through partial writes and buffers that move.
    @Test(arguments: TLSVersion.allCases, TLSPair.Ours.allCases)
    func bytesArriveBothWays(version: TLSVersion, ours: TLSPair.Ours) throws {
        for size in TLSTransferTests.sizes { try transfer(size, TLSPair(version: version, ours: ours)) }
    }

    /// Each cipher that a TLS 1.2 handshake may agree on.
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
    @Test(arguments: TLSVersion.allCases, TLSRecords.allCases)
    func smallRecordsAreMadeForAClientThatWantsThem(version: TLSVersion, records: TLSRecords) throws {
        let pair = try TLSPair(version: version, isDirect: false, ours: .server(records))
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

    @Test(arguments: TLSRecords.allCases)
    func anOffsetAndNothing(records: TLSRecords) throws {
        let pair = try TLSPair(ours: .both(records))
        try pair.establish()
        let bytes = randomBytes(100)
        #expect(pair.client.send(bytes.rawSpan, from: 90) == .accepted(10))
        #expect(pair.client.send(bytes.rawSpan, from: 100) == .accepted(0))
        let atServer = Receiving(from: pair.server)
        atServer.step()
        #expect(atServer.bytes == Array(bytes.suffix(10)))
    }

    // MARK: What the descriptor does not show

    /// All received content is handed over, so that the descriptor's readiness shows everything that is left.
    @Test(arguments: TLSRecords.allCases)
    func allRecordsThatArrivedAreRead(records: TLSRecords) throws {
        let pair = try TLSPair(ours: .both(records))
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

    /// This is the most that is read from the kernel, whatever its content.
    @Test(arguments: TLSRecords.allCases)
    func aReadTakesAPartOfWhatArrived(records: TLSRecords) throws {
        let pair = try TLSPair(ours: .both(records))
        try pair.establish()
        for _ in 0..<3 { #expect(pair.client.send(randomBytes(10).rawSpan) == .accepted(10)) }
        let buffer = ReadBuffer(byteCount: 20_000)
        // A record of ten bytes is 32 bytes long.
        #expect(pair.server.read(into: buffer, atMost: 40) == .bytes(10))
        #expect(!pair.server.hasPendingInput)
        #expect(pair.server.read(into: buffer, atMost: 23) == .wouldBlock)
        #expect(pair.server.read(into: buffer, atMost: 1) == .bytes(10))
        #expect(pair.server.read(into: buffer) == .bytes(10))
    }

    /// A caller that reads while input is pending must not spin on half a record.
    @Test(arguments: TLSRecords.allCases)
    func halfARecordIsNotPendingInput(records: TLSRecords) throws {
        let pair = try TLSPair(version: .v12, isDirect: false, ours: .both(records))
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

    @Test(arguments: TLSVersion.allCases, TLSRecords.allCases)
    func closeNotifyIsTheEndOfOneDirection(version: TLSVersion, records: TLSRecords) throws {
        let pair = try TLSPair(version: version, ours: .both(records))
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

    @Test(arguments: TLSVersion.allCases, TLSRecords.allCases)
    func anEndWithoutCloseNotifyIsATruncatedStream(version: TLSVersion, records: TLSRecords) throws {
        let pair = try TLSPair(version: version, ours: .both(records))
        try pair.establish()
        let buffer = ReadBuffer(byteCount: 20_000)
        #expect(pair.client.read(into: buffer) == .wouldBlock)
        #expect(pair.server.send(randomBytes(10).rawSpan) == .accepted(10))
        pair.serverEnds.close(pair.serverDescriptor)
        #expect(pair.client.read(into: buffer) == .bytes(10))
        #expect(pair.client.read(into: buffer) == .truncated)
        #expect(pair.client.read(into: buffer) == .truncated)
    }

    @Test(arguments: TLSRecords.allCases)
    func aChangedByteBreaksTheSession(records: TLSRecords) throws {
        let pair = try TLSPair(isDirect: false, ours: .both(records))
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

    /// The descriptor belongs to the caller.
    @Test func theDescriptorOutlivesTheSession() throws {
        let ends = try Ends()
        do {
            let context = try TLSContext(client: TLSClientOptions())
            _ = try TLSSession(context: context, connected: ends.first, to: "localhost")
        }
        let bytes: [UInt8] = [1]
        #expect(Socket.send(bytes.rawSpan, to: ends.first) == .accepted(1))
    }
}
