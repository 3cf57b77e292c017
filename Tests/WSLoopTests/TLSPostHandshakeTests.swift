import Bytes
import COpenSSL
import Glibc
import Testing

@testable import WSLoop

/// Messages after the handshake.
@Suite struct TLSPostHandshakeTests {
    /// RFC 8446 4.6.3: keys change in both directions, whichever end asks, while data is sent both ways.
    @Test(arguments: TLSPair.Ours.one, [SSL_KEY_UPDATE_REQUESTED, SSL_KEY_UPDATE_NOT_REQUESTED])
    func keysChange(ours: TLSPair.Ours, kind: Int32) throws {
        let pair = try TLSPair(ours: ours)
        try pair.establish()
        let (mine, other) = ours.ends == .server ? (pair.server, pair.client) : (pair.client, pair.server)
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

    /// The new keys wait for the next data, and therefore for a record that the kernel has not completely accepted.
    @Test(arguments: TLSPair.Ours.one)
    func aKeyUpdateThatHasToWait(ours: TLSPair.Ours) throws {
        let pair = try TLSPair(ours: ours)
        try pair.establish()
        let (mine, other) = ours.ends == .server ? (pair.server, pair.client) : (pair.client, pair.server)
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

    /// Each costs a hundred times more than sending it: 32 are free, and every further one needs 16 records of data.
    @Test(arguments: TLSPair.Ours.one)
    func changesOfKeysArePaidFor(ours: TLSPair.Ours) throws {
        let pair = try TLSPair(ours: ours)
        try pair.establish()
        let (mine, other) = ours.ends == .server ? (pair.server, pair.client) : (pair.client, pair.server)
        let atMine = Receiving(from: mine)
        func changeKeys(_ count: Int) {
            for _ in 0..<count {
                #expect(unsafe SSL_key_update(other.raw, SSL_KEY_UPDATE_NOT_REQUESTED) == 1)
                #expect(unsafe SSL_do_handshake(other.raw) == 1)
            }
            atMine.step()
        }
        changeKeys(32)
        #expect(atMine.last == .wouldBlock)
        for _ in 0..<32 { #expect(other.send(randomBytes(1).rawSpan) == .accepted(1)) }
        atMine.step()
        changeKeys(2)
        #expect(atMine.last == .wouldBlock)
        changeKeys(1)
        #expect(atMine.last == .failed(reason: "too many key updates for so little data"))
    }

    /// RFC 8446 5.5: after 2^24 records.
    @Test func openSSLsKeysChangeAfterManyRecords() throws {
        let pair = try TLSPair(isDirect: false, ours: .client(.openssl))
        try pair.establish()
        let records = (pair.client as? TLSSession)?.records as? OpenSSLRecords
        #expect(records != nil)
        for (count, expected) in [(1 << 24 - 1, 1), (1 << 24, 2), (1, 1)] as [(UInt64, Int)] {
            while pair.moveWire() {}
            records?.sealedRecords = count
            #expect(pair.client.send(randomBytes(10).rawSpan) == .accepted(10))
            var bytes = [UInt8](repeating: 0, count: 1000)
            let received = unsafe recv(pair.clientEnds.second, &bytes, bytes.count, Int32(MSG_PEEK))
            var (offset, found) = (0, 0)
            while offset < received {
                offset += 5 + (Int(bytes[offset + 3]) << 8 | Int(bytes[offset + 4]))
                found += 1
            }
            #expect(found == expected)
        }
        while pair.moveWire() {}
        let atServer = Receiving(from: pair.server)
        atServer.step()
        #expect(atServer.bytes.count == 30)
    }

    @Test(arguments: TLSRecords.allCases)
    func renegotiationIsRefused(records: TLSRecords) throws {
        let pair = try TLSPair(version: .v12, ours: .server(records))
        try establishAndRenegotiate(pair, from: pair.client)
        let buffer = ReadBuffer(byteCount: 20_000)
        #expect(pair.server.read(into: buffer) == .failed(reason: "renegotiation is off"))
        // OpenSSL's own alert is a warning.
        let words = records == .openssl ? "no renegotiation" : "tlsv1 alert no renegotiation"
        #expect(pair.client.read(into: buffer) == .failed(reason: words))
    }

    /// RFC 5246 7.4.1.1: a client may ignore or refuse it; OpenSSL would refuse every single one.
    @Test(arguments: TLSRecords.allCases)
    func aServersWishForAnotherHandshakeIsNotGranted(records: TLSRecords) throws {
        let pair = try TLSPair(version: .v12, ours: .client(records))
        try establishAndRenegotiate(pair, from: pair.server)
        let buffer = ReadBuffer(byteCount: 20_000)
        let expected: TLSSession.ReadResult =
            records == .openssl ? .failed(reason: "renegotiation is off") : .wouldBlock
        #expect(pair.client.read(into: buffer) == expected)
    }

    private func establishAndRenegotiate(_ pair: TLSPair, from end: any TLSEnd) throws {
        unsafe SSL_clear_options(end.raw, COPENSSL_OP_NO_RENEGOTIATION)
        try pair.establish()
        #expect(unsafe SSL_renegotiate(end.raw) == 1)
        unsafe SSL_do_handshake(end.raw)
    }
}
