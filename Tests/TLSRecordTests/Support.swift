import Bytes
import TestSupport
import Testing

@testable import TLSRecord

extension RecordSuite {
    static let aes128 = RecordSuite(version: .tls13, aead: .aes128GCM, hash: .sha256)
    /// The suites that handshakes agree on: RFC 8446 B.4, RFC 5289 3.2, RFC 7905 2.
    static let inUse = Version.allCases.flatMap { version in
        AEAD.allCases.map { RecordSuite(version: version, aead: $0, hash: $0 == .aes256GCM ? .sha384 : .sha256) }
    }
    static let ofTLS13 = inUse.filter { $0.version == .tls13 }
    static let ofTLS12 = inUse.filter { $0.version == .tls12 }
    /// All suites, including those that no handshake agrees on.
    static let all = Version.allCases.flatMap { version in
        AEAD.allCases.flatMap { aead in Hash.allCases.map { RecordSuite(version: version, aead: aead, hash: $0) } }
    }
}

/// The shared secret: TLS 1.3's traffic secret or TLS 1.2's master secret.
struct Secret {
    let suite: RecordSuite
    var bytes = (1...48).map { UInt8($0) }
    var sequence: UInt64 = 0

    static let randoms = (100..<164).map { UInt8($0) }

    init(_ suite: RecordSuite, _ bytes: [UInt8]? = nil, sequence: UInt64 = 0) {
        self.suite = suite
        self.bytes = bytes ?? self.bytes
        self.sequence = sequence
    }

    /// New keys each time, because they count records.
    func keys() throws -> TrafficKeys {
        let keys =
            switch suite.version {
            case .tls13:
                TrafficKeys(
                    suite, secret: bytes.rawSpan.extracting(first: suite.hash.byteCount), sequence: sequence)
            case .tls12:
                TrafficKeys.pair(suite, masterSecret: bytes, randoms: Secret.randoms, sequences: (sequence, sequence))?
                    .client
            }
        return try #require(keys)
    }
}

/// The sending end: uses a sealer, or bypasses it to break a rule.
final class Peer {
    let suite: RecordSuite
    private let keys: TrafficKeys
    private let ciphers = RecordCiphers()
    var sealer: RecordSealer

    init(_ secret: Secret, maxContentBytes: Int? = nil) throws {
        suite = secret.suite
        keys = try secret.keys()
        sealer = RecordSealer(keys, maxContentBytes: maxContentBytes)
    }

    convenience init(_ suite: RecordSuite) throws { try self.init(Secret(suite)) }

    func record(_ type: ContentType, _ content: [UInt8]) -> [UInt8] {
        var record =
            [UInt8](repeating: 0xEE, count: sealer.contentOffset) + content
            + [UInt8](repeating: 0xEE, count: sealer.trailerBytes)
        let isSealed = unsafe record.withUnsafeMutableBytes { bytes in
            var span = unsafe bytes.mutableBytes
            return sealer.seal(type, &span, with: ciphers)
        }
        #expect(isSealed)
        return record
    }

    func data(_ content: [UInt8]) -> [UInt8] { record(.applicationData, content) }
    func data(_ text: String) -> [UInt8] { data(Array(text.utf8)) }
    func handshake(_ content: [UInt8]) -> [UInt8] { record(.handshake, content) }
    func alert(_ level: UInt8, _ description: UInt8) -> [UInt8] { record(.alert, [level, description]) }

    /// A record with this plaintext and any outer type.
    func record(plaintext: [UInt8], outerType: UInt8 = 23) -> [UInt8] {
        let protectedBytes = suite.explicitNonceBytes + plaintext.count + RecordSuite.tagBytes
        var record = [outerType, 3, 3, UInt8(protectedBytes >> 8), UInt8(protectedBytes & 0xFF)]
        record += [UInt8](repeating: 0, count: suite.explicitNonceBytes) + plaintext
        record += [UInt8](repeating: 0, count: RecordSuite.tagBytes)
        let isSealed = unsafe record.withUnsafeMutableBytes { unsafe keys.protect($0, .sealing, with: ciphers) }
        #expect(isSealed)
        return record
    }

    /// A record that claims to be of this type, known or unknown.
    func record(anyType type: UInt8, _ content: [UInt8]) -> [UInt8] {
        suite.version == .tls13
            ? record(plaintext: content + [type]) : record(plaintext: content, outerType: type)
    }

    /// The message; all later records are sealed with the next keys.
    func keyUpdate(_ request: UInt8 = 0) -> [UInt8] {
        let record = handshake(Peer.keyUpdateMessage(request))
        changeKeys()
        return record
    }

    func changeKeys() {
        let isChanged = sealer.changeKeys()
        #expect(isChanged)
    }

    var dueKeyUpdate: [UInt8]? { sealer.dueKeyUpdate }

    static func keyUpdateMessage(_ request: UInt8 = 0) -> [UInt8] { [24, 0, 0, 1, request] }

    /// A NewSessionTicket with a body of this length; the content does not matter here.
    static func ticket(_ bodyBytes: Int) -> [UInt8] {
        [4, UInt8(bodyBytes >> 16), UInt8(bodyBytes >> 8 & 0xFF), UInt8(bodyBytes & 0xFF)]
            + [UInt8](repeating: 0x18, count: bodyBytes)
    }
}

extension RecordReader {
    mutating func read(_ bytes: inout [UInt8], with ciphers: RecordCiphers) -> Progress {
        unsafe bytes.withUnsafeMutableBytes { bytes in
            var span = unsafe bytes.mutableBytes
            return read(&span, with: ciphers)
        }
    }
}

/// All output of a reader.
struct Received: Equatable {
    var data: [UInt8] = []
    var end: RecordReader.End?
    var wantsKeyUpdate = false
    /// The number of bytes that were complete records.
    var recordBytes = 0

    init() {}

    /// Feeds the pieces to a new reader as a session does: incomplete records are offered again with the next piece.
    init(_ pieces: [[UInt8]], _ secret: Secret, role: RecordReader.Role, with ciphers: RecordCiphers) throws {
        var reader = RecordReader(try secret.keys(), role: role)
        var rest: [UInt8] = []
        for piece in pieces where end == nil {
            rest += piece
            let progress = reader.read(&rest, with: ciphers)
            guard progress.recordBytes <= rest.count, progress.dataBytes <= progress.recordBytes else {
                Issue.record("\(progress) of \(rest.count) bytes")
                return
            }
            data += rest[..<progress.dataBytes]
            recordBytes += progress.recordBytes
            end = progress.end
            wantsKeyUpdate = wantsKeyUpdate || reader.wantsKeyUpdate
            rest.removeFirst(progress.recordBytes)
        }
    }
}

/// The result for `bytes` in one piece, checked against byte by byte and split in two at every place (of long input, at
/// some).
func received(
    _ bytes: [UInt8], _ secret: Secret, role: RecordReader.Role = .server,
    sourceLocation: SourceLocation = #_sourceLocation
) throws -> Received {
    let ciphers = RecordCiphers()
    let whole = try Received([bytes], secret, role: role, with: ciphers)
    func check(_ pieces: [[UInt8]], _ how: String) throws {
        let cut = try Received(pieces, secret, role: role, with: ciphers)
        if cut != whole { Issue.record("\(how): \(cut), whole: \(whole)", sourceLocation: sourceLocation) }
    }
    if bytes.count <= 2000 { try check(bytes.map { [$0] }, "byte by byte") }
    let step = 1 + bytes.count / (bytes.count > 5000 ? 20 : 300)
    for cut in 0...bytes.count where cut < 20 || bytes.count - cut < 20 || cut % step == 0 {
        try check([Array(bytes[..<cut]), Array(bytes[cut...])], "cut at \(cut)")
    }
    return whole
}

/// Checks the result for `bytes`, however they are split.
func expect(
    _ bytes: [UInt8], _ secret: Secret, role: RecordReader.Role = .server, gives data: [UInt8] = [],
    then end: RecordReader.End? = nil, wantsKeyUpdate: Bool = false, sourceLocation: SourceLocation = #_sourceLocation
) throws {
    let received = try received(bytes, secret, role: role, sourceLocation: sourceLocation)
    let isData = received.data == data
    #expect(isData, "\(received.data.count) bytes", sourceLocation: sourceLocation)
    #expect(received.end == end, sourceLocation: sourceLocation)
    #expect(received.wantsKeyUpdate == wantsKeyUpdate, sourceLocation: sourceLocation)
    if end == nil { #expect(received.recordBytes == bytes.count, sourceLocation: sourceLocation) }
}

func expect(
    _ bytes: [UInt8], _ suite: RecordSuite, role: RecordReader.Role = .server, gives text: String = "",
    then end: RecordReader.End? = nil, wantsKeyUpdate: Bool = false, sourceLocation: SourceLocation = #_sourceLocation
) throws {
    try expect(
        bytes, Secret(suite), role: role, gives: Array(text.utf8), then: end, wantsKeyUpdate: wantsKeyUpdate,
        sourceLocation: sourceLocation)
}

/// Parses hexadecimal digits, with optional spaces.
func hex(_ text: String) -> [UInt8] {
    let digits = text.filter { !$0.isWhitespace }.compactMap(\.hexDigitValue)
    return stride(from: 0, to: digits.count, by: 2).map { UInt8(digits[$0] << 4 | digits[$0 + 1]) }
}

extension SeededGenerator {
    mutating func bytes(_ count: Int) -> [UInt8] {
        (0..<count).map { _ in UInt8(truncatingIfNeeded: next()) }
    }
}
