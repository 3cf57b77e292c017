import Bytes
import FuzzSupport

@testable import TLSRecord

/// A script of valid and invalid records for a reader in either role: first the suite and the role, then the steps.
@c(LLVMFuzzerTestOneInput)
public func check(_ data: UnsafePointer<UInt8>?, _ byteCount: Int) -> CInt {
    var input = unsafe FuzzInput(data, byteCount)
    var script = Script(input.bytes)
    let choice = script.byte()
    let suite = suites[Int(choice & 0x7F) % suites.count]
    let role: RecordReader.Role = choice & 0x80 == 0 ? .server : .client
    let sending = Sending(suite)
    sending.send(&script)

    let ciphers = RecordCiphers()
    let expected = NaiveReader(suite, role, sending.sealed).open(sending.bytes)
    // Long input byte by byte would take a second.
    var cuts = [[sending.bytes], input.random.pieces(of: sending.bytes)]
    if sending.bytes.count <= 1000 { cuts.append(sending.bytes.map { [$0] }) }
    for pieces in cuts {
        expectEqual(Opened(pieces, suite, role, ciphers), expected, "in pieces of \(pieces.map(\.count)) bytes")
    }
    return 0
}

private let suites = RecordSuite.Version.allCases.flatMap { version in
    RecordSuite.AEAD.allCases.map { aead in
        RecordSuite(version: version, aead: aead, hash: aead == .aes256GCM ? .sha384 : .sha256)
    }
}

/// Keys of one direction, with record numbers from zero.
func makeKeys(_ suite: RecordSuite) -> TrafficKeys {
    let secret = [UInt8](repeating: 1, count: 48)
    let keys =
        suite.version == .tls13
        ? TrafficKeys(suite, secret: secret.rawSpan.extracting(first: suite.hash == .sha384 ? 48 : 32))
        : TrafficKeys.pair(suite, masterSecret: secret, randoms: secret, sequences: (0, 0))?.client
    return expectSome(keys, "no keys")
}

/// All output of a reader.
struct Opened: Equatable {
    var data: [UInt8] = []
    var end: RecordReader.End?
    var wantsKeyUpdate = false
    /// The number of bytes that were complete records.
    var recordBytes = 0

    init() {}

    /// Feeds the pieces to a new reader as a session does: incomplete records are offered again with the next piece.
    init(_ pieces: [[UInt8]], _ suite: RecordSuite, _ role: RecordReader.Role, _ ciphers: RecordCiphers) {
        var reader = RecordReader(makeKeys(suite), role: role)
        var rest: [UInt8] = []
        for piece in pieces where end == nil {
            // Of exactly this size, so that the address sanitizer sees a read beyond it.
            let offered = rest + piece
            var bytes = offered
            let progress = unsafe bytes.withUnsafeMutableBytes { bytes in
                var span = unsafe bytes.mutableBytes
                return reader.read(&span, with: ciphers)
            }
            expect((0...bytes.count).contains(progress.recordBytes), "\(progress) of \(bytes.count) bytes")
            expect((0...progress.recordBytes).contains(progress.dataBytes), "\(progress) of \(bytes.count) bytes")
            rest = Array(bytes[progress.recordBytes...])
            expectEqual(rest, Array(offered[progress.recordBytes...]), "what is no whole record")
            data += bytes[..<progress.dataBytes]
            recordBytes += progress.recordBytes
            end = progress.end
            wantsKeyUpdate = wantsKeyUpdate || reader.wantsKeyUpdate
        }
    }
}
