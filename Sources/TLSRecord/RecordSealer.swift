/// The writing direction of an established session: makes records, in place.
public struct RecordSealer: ~Copyable {
    /// RFC 8446 5.5: after 2^24.5 full records GCM's keys should change.
    public static let maxRecords: UInt64 = 1 << 24
    /// RFC 8446 4.6.3: keys change, and the peer's need not.
    private static let keyUpdate: [UInt8] = [24, 0, 0, 1, 0]

    private let keys: TrafficKeys
    /// How much a record may carry: 16 KiB, or what the client asked for (RFC 6066 4).
    public let maxContentBytes: Int
    /// The peer wants new keys, before it is sent anything else.
    private var owesKeyUpdate = false

    /// Begins with these keys.
    public init(_ keys: TrafficKeys, maxContentBytes: Int? = nil) {
        self.keys = keys
        self.maxContentBytes = maxContentBytes ?? RecordSuite.maxContentBytes
    }

    /// Where the content of a record begins.
    public var contentOffset: Int { keys.suite.prefixBytes }
    /// How much is behind it.
    public var trailerBytes: Int { keys.suite.suffixBytes }

    /// Makes a record of its content, which lies at `contentOffset` with `trailerBytes` behind it.
    ///
    /// - Returns: false if OpenSSL fails.
    public mutating func seal(_ type: ContentType, _ record: inout MutableRawSpan, with ciphers: RecordCiphers) -> Bool
    {
        let suite = keys.suite
        precondition(
            record.byteCount >= suite.prefixBytes + suite.suffixBytes, "RecordSealer.seal: no room for a record")
        let protectedBytes = record.byteCount - RecordSuite.headerBytes
        // RFC 8446 5.2: outside they all look like application data.
        let outerType = suite.version == .tls13 ? ContentType.applicationData : type
        record.storeBytes(of: outerType.rawValue, toByteOffset: 0, as: UInt8.self)
        record.storeBytes(of: 0x0303, toByteOffset: 1, as: UInt16.self)
        record.storeBytes(of: UInt16(protectedBytes).bigEndian, toByteOffset: 3, as: UInt16.self)
        if suite.version == .tls13 {
            let end = record.byteCount - suite.suffixBytes
            record.storeBytes(of: type.rawValue, toByteOffset: end, as: UInt8.self)
        }
        // OpenSSL sent one record of the handshake with a random number of 64 bits; that it is one of these has a chance of
        // n / 2^64, where SP 800-38D 8 allows 2^-32.
        for index in 0..<suite.explicitNonceBytes {
            let byte = TrafficKeys.byte(index, of: keys.sequence)
            record.storeBytes(of: byte, toByteOffset: RecordSuite.headerBytes + index, as: UInt8.self)
        }
        return unsafe record.withUnsafeMutableBytes { unsafe keys.protect($0, .sealing, with: ciphers) }
    }

    /// The message that has to go first, as a record of its own, if the keys must change; `changeKeys` comes behind it.
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

    /// Goes on with the next keys.
    ///
    /// - Returns: false if OpenSSL fails.
    public mutating func changeKeys() -> Bool {
        owesKeyUpdate = false
        return keys.update()
    }
}
