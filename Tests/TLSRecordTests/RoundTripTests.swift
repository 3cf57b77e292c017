import TestSupport
import Testing

@testable import TLSRecord

/// A reader opens everything that a sealer makes, however it is split.
@Suite struct RoundTripTests {
    private static let sizes = [0, 1, 2, 1000, 16_383, 16_384]

    @Test(arguments: RecordSuite.inUse, sizes)
    func dataArrives(suite: RecordSuite, size: Int) throws {
        var random = SeededGenerator(seed: UInt64(size))
        let peer = try Peer(suite)
        let contents = [random.bytes(size), random.bytes(3), random.bytes(size)]
        let bytes = contents.flatMap { peer.data($0) }
        try expect(bytes, Secret(suite), gives: contents.flatMap { $0 })
    }

    @Test(arguments: RecordSuite.inUse)
    func manyRecordsInOneRead(suite: RecordSuite) throws {
        let peer = try Peer(suite)
        let texts = (0..<300).map { "record \($0), " }
        try expect(texts.flatMap { peer.data($0) }, suite, gives: texts.joined())
    }

    /// The last record of a full buffer is cut and continues at the front of the next: bytes before it are not touched
    /// again.
    @Test(arguments: RecordSuite.inUse)
    func buffersEndInsideARecord(suite: RecordSuite) throws {
        var random = SeededGenerator(seed: 1)
        let peer = try Peer(suite)
        let contents = (0..<40).map { _ in random.bytes(Int.random(in: 0...4000, using: &random)) }
        let bytes = contents.flatMap { peer.data($0) }
        for size in [100, 1024, 20_480] {
            let pieces = stride(from: 0, to: bytes.count, by: size).map { Array(bytes[$0...].prefix(size)) }
            let received = try Received(pieces, Secret(suite), role: .server, with: RecordCiphers())
            let isData = received.data == contents.flatMap { $0 }
            #expect(isData)
            #expect(received.end == nil)
        }
    }

    @Test(arguments: RecordSuite.inUse)
    func nothingAndHalfARecordBringNothing(suite: RecordSuite) throws {
        let record = try Peer(suite).data("hello")
        for count in 0..<record.count {
            let received = try Received(
                [Array(record.prefix(count))], Secret(suite), role: .server, with: RecordCiphers())
            #expect(received == Received())
        }
    }

    /// Bytes after the records are not touched, because they are offered again.
    @Test(arguments: RecordSuite.inUse)
    func theRestStaysAsItIs(suite: RecordSuite) throws {
        let peer = try Peer(suite)
        let (first, second) = (peer.data("hello"), peer.data("world"))
        var reader = RecordReader(try Secret(suite).keys(), role: .server)
        var bytes = first + second.dropLast()
        let progress = reader.read(&bytes, with: RecordCiphers())
        #expect(progress.recordBytes == first.count)
        #expect(progress.dataBytes == 5)
        #expect(bytes.prefix(5) == Array("hello".utf8)[...])
        #expect(bytes[first.count...] == second.dropLast())
    }

    /// One set of contexts serves all sessions of a loop, in any order.
    @Test func sessionsShareTheirContexts() throws {
        let ciphers = RecordCiphers()
        let secrets = RecordSuite.all.flatMap { suite in
            [Secret(suite), Secret(suite, (1...48).map { 255 - $0 }, sequence: 5)]
        }
        let peers = try secrets.map { try Peer($0) }
        var readers: [(inout [UInt8]) -> RecordReader.Progress] = []
        for secret in secrets {
            let reader = Reading(RecordReader(try secret.keys(), role: .server))
            readers.append { reader.reader.read(&$0, with: ciphers) }
        }
        for round in 0..<3 {
            for (index, peer) in peers.enumerated() {
                var bytes = peer.data("\(round) \(index)")
                let progress = readers[index](&bytes)
                #expect(progress.end == nil)
                #expect(String(decoding: bytes[..<progress.dataBytes], as: UTF8.self) == "\(round) \(index)")
            }
        }
    }

    private final class Reading {
        var reader: RecordReader
        init(_ reader: consuming RecordReader) { self.reader = reader }
    }

    /// A TLS 1.2 peer may choose its nonces: OpenSSL begins at a random number (RFC 5288 3).
    @Test(arguments: RecordSuite.ofTLS12.filter { $0.aead != .chaCha20Poly1305 })
    func explicitNoncesMayBeAny(suite: RecordSuite) throws {
        var naive = NaiveRecords(Secret(suite))
        let bytes =
            naive.record(23, [1], explicitNonce: [UInt8](repeating: 0xFF, count: 8))
            + naive.record(23, [2], explicitNonce: [UInt8](repeating: 0, count: 8))
            + naive.record(23, [3], explicitNonce: [9, 8, 7, 6, 5, 4, 3, 2])
        try expect(bytes, Secret(suite), gives: [1, 2, 3])
    }
}
