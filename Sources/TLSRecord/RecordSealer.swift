/// The writing direction of an established session: encrypts records in place.
public struct RecordSealer: ~Copyable {
    /// RFC 8446 5.5: with GCM, keys should change after 2^24.5 full records.
    public static let maxRecords: UInt64 = 1 << 24
    /// RFC 8446 4.6.3: a key update that does not ask the peer to update its keys too.
    private static let keyUpdate: [UInt8] = [24, 0, 0, 1, 0]

    private let keys: TrafficKeys
    /// The most bytes of content in a record: 16 KiB, or what the client asked for (RFC 6066 4).
    public let maxContentBytes: Int
    /// The peer asked for new keys; the update must go before any other record.
    private var owesKeyUpdate = false

    /// A sealer with these keys.
    public init(_ keys: TrafficKeys, maxContentBytes: Int? = nil) {
        self.keys = keys
        self.maxContentBytes = maxContentBytes ?? RecordSuite.maxContentBytes
    }

    /// The offset of a record's content.
    public var contentOffset: Int { keys.suite.prefixBytes }
    /// The number of bytes after the content.
    public var trailerBytes: Int { keys.suite.suffixBytes }

    /// Encrypts the record whose content is at `contentOffset` and followed by `trailerBytes` free bytes.
    ///
    /// - Returns: false if OpenSSL fails.
    public mutating func seal(_ type: ContentType, _ record: inout MutableRawSpan, with ciphers: RecordCiphers) -> Bool
    {
        let suite = keys.suite
        precondition(
            record.byteCount >= suite.prefixBytes + suite.suffixBytes, "RecordSealer.seal: no room for a record")
        let protectedBytes = record.byteCount - RecordSuite.headerBytes
        // RFC 8446 5.2: on the outside every TLS 1.3 record looks like application data.
        let outerType = suite.version == .tls13 ? ContentType.applicationData : type
        record.storeBytes(of: outerType.rawValue, toByteOffset: 0, as: UInt8.self)
        record.storeBytes(of: 0x0303, toByteOffset: 1, as: UInt16.self)
        record.storeBytes(of: UInt16(protectedBytes).bigEndian, toByteOffset: 3, as: UInt16.self)
        if suite.version == .tls13 {
            let end = record.byteCount - suite.suffixBytes
            record.storeBytes(of: type.rawValue, toByteOffset: end, as: UInt8.self)
        }
        // The explicit nonce is the record's number. OpenSSL used a random 64-bit nonce for the one record of the
        // handshake; the chance that it equals one of ours is n / 2^64, and SP 800-38D 8 allows 2^-32.
        for index in 0..<suite.explicitNonceBytes {
            let byte = TrafficKeys.byte(index, of: keys.sequence)
            record.storeBytes(of: byte, toByteOffset: RecordSuite.headerBytes + index, as: UInt8.self)
        }
        return unsafe record.withUnsafeMutableBytes { unsafe keys.protect($0, .sealing, with: ciphers) }
    }

    /// The key update to send first, as a record of its own, if the keys must change; call `changeKeys` after it.
    public var dueKeyUpdate: [UInt8]? {
        guard keys.suite.version == .tls13, owesKeyUpdate || keys.sequence >= RecordSealer.maxRecords else {
            return nil
        }
        return RecordSealer.keyUpdate
    }

    /// Notes that the peer asked for new keys.
    public mutating func askForKeyUpdate() {
        owesKeyUpdate = true
    }

    /// Switches to the next keys.
    ///
    /// - Returns: false if OpenSSL fails.
    public mutating func changeKeys() -> Bool {
        owesKeyUpdate = false
        return keys.update()
    }
}
