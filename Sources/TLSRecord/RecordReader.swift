/// The reading direction of an established session: decrypts records in place.
///
/// It handles everything that may come after a handshake: data, alerts and, with TLS 1.3, key updates and (for a
/// client) tickets.
public struct RecordReader: ~Copyable {
    /// Which end of the connection reads.
    public enum Role: Sendable { case client, server }

    /// How the stream ended.
    public enum End: Equatable, Sendable {
        /// The peer announced that it sends nothing more.
        case closeNotify
        /// The peer aborted with this alert (RFC 8446 6.2).
        case alert(UInt8)
        /// The peer broke the protocol, which ends the session.
        case violation(RecordViolation)
    }

    /// The result of reading some bytes.
    public struct Progress: Equatable, Sendable {
        /// The number of bytes that were complete records; offer the others again.
        public var recordBytes = 0
        /// The number of bytes of data that are now at the front.
        public var dataBytes = 0
        /// The end of the stream, after that data.
        public var end: End?

        /// No progress.
        public init() {}
    }

    /// The longest message that is expected; servers' tickets have some hundred bytes.
    private static let maxTicketBytes = 65_536
    /// The number of data records that justify one key update by the peer.
    public static let recordsPerKeyUpdate = 16
    /// The most data records that may be owed: the peer may update its keys 32 times in a row.
    public static let maxUnpaidRecords = 32 * recordsPerKeyUpdate

    private let keys: TrafficKeys
    private let role: Role
    /// A message that continues in the next record.
    private var message: [UInt8] = []
    /// The number of data records still missing to justify all of the peer's key updates (see `recordsPerKeyUpdate`).
    private var unpaidRecords = 0
    /// Whether the peer has asked for new keys in the other direction (RFC 8446 4.6.3).
    public private(set) var wantsKeyUpdate = false

    /// A reader with these keys.
    public init(_ keys: TrafficKeys, role: Role) {
        self.keys = keys
        self.role = role
    }

    /// Reads all complete records at the front of `bytes` and replaces them with the data that they carry.
    public mutating func read(_ bytes: inout MutableRawSpan, with ciphers: RecordCiphers) -> Progress {
        wantsKeyUpdate = false
        var progress = Progress()
        unsafe bytes.withUnsafeMutableBytes { bytes in
            do throws(RecordViolation) {
                while progress.end == nil {
                    let rest = unsafe UnsafeMutableRawBufferPointer(rebasing: bytes[progress.recordBytes...])
                    guard let count = unsafe try recordBytes(UnsafeRawBufferPointer(rest)) else { break }
                    progress.recordBytes += count
                    let record = unsafe UnsafeMutableRawBufferPointer(rebasing: rest[..<count])
                    let (type, content) = unsafe try open(record, with: ciphers)
                    switch type {
                    case .applicationData where message.isEmpty:
                        unsafe UnsafeMutableRawBufferPointer(rebasing: bytes[progress.dataBytes...])
                            .copyMemory(from: content)
                        progress.dataBytes += content.count
                        if content.count > 0, unpaidRecords > 0 { unpaidRecords -= 1 }
                    case .alert where message.isEmpty: progress.end = unsafe try end(content)
                    case .handshake: unsafe try take(content)
                    default: throw .unexpectedMessage
                    }
                }
            } catch {
                progress.end = .violation(error)
            }
        }
        return progress
    }

    /// The length of the record at the front; nil if it has not arrived completely.
    private func recordBytes(_ bytes: UnsafeRawBufferPointer) throws(RecordViolation) -> Int? {
        guard let first = unsafe bytes.first else { return nil }
        // Check the type in the first byte at once; otherwise a meaningless length would be waited for.
        guard let type = ContentType(rawValue: first), type == .applicationData || keys.suite.version == .tls12 else {
            throw .unexpectedMessage
        }
        guard bytes.count >= RecordSuite.headerBytes else { return nil }
        let protectedBytes = unsafe Int(bytes[3]) << 8 | Int(bytes[4])
        guard protectedBytes <= keys.suite.maxProtectedBytes else { throw .recordOverflow }
        let count = RecordSuite.headerBytes + protectedBytes
        return bytes.count >= count ? count : nil
    }

    private func open(
        _ record: UnsafeMutableRawBufferPointer, with ciphers: RecordCiphers
    ) throws(RecordViolation) -> (ContentType, UnsafeRawBufferPointer) {
        let suite = keys.suite
        guard record.count >= suite.prefixBytes + RecordSuite.tagBytes,
            unsafe keys.protect(record, .opening, with: ciphers)
        else { throw .badRecordMAC }
        var content = unsafe UnsafeRawBufferPointer(
            rebasing: record[suite.prefixBytes..<record.count - RecordSuite.tagBytes])
        var type = unsafe record[0]
        if suite.version == .tls13 {
            guard content.count <= RecordSuite.maxContentBytes + 1 else { throw .recordOverflow }
            // RFC 8446 5.4: the true type is followed by any number of zeros.
            guard let last = unsafe content.lastIndex(where: { $0 != 0 }) else { throw .unexpectedMessage }
            type = unsafe content[last]
            unsafe content = UnsafeRawBufferPointer(rebasing: content[..<last])
        }
        guard content.count <= RecordSuite.maxContentBytes else { throw .recordOverflow }
        guard let type = ContentType(rawValue: type) else { throw .unexpectedMessage }
        guard content.count > 0 || type == .applicationData else { throw .emptyFragment }
        return unsafe (type, content)
    }

    /// The end that an alert means; nil if the alert can be ignored (RFC 8446 6.1, RFC 5246 7.2).
    private func end(_ alert: UnsafeRawBufferPointer) throws(RecordViolation) -> End? {
        guard alert.count == 2 else { throw .malformedAlert }
        let (level, description) = unsafe (alert[0], alert[1])
        if description == 0 { return .closeNotify }
        let isWarning = keys.suite.version == .tls13 ? description == RecordReader.userCanceled : level == 1
        return isWarning ? nil : .alert(description)
    }

    private static let userCanceled: UInt8 = 90

    private mutating func take(_ fragment: UnsafeRawBufferPointer) throws(RecordViolation) {
        unsafe message.append(contentsOf: fragment)
        var begin = 0
        while message.count - begin >= 4 {
            let type = message[begin]
            let bodyBytes = message[begin + 1..<begin + 4].reduce(0) { $0 << 8 | Int($1) }
            // Refuse a bad length at once instead of waiting for the message.
            guard try bodySizes(of: type).contains(bodyBytes) else { throw .malformedMessage }
            let end = begin + 4 + bodyBytes
            guard message.count >= end else { break }
            if type == RecordReader.keyUpdate {
                try changeKeys(request: message[begin + 4], isLast: message.count == end)
            }
            begin = end
        }
        // An idle session keeps no memory allocated.
        if begin == message.count { message = [] } else { message.removeFirst(begin) }
    }

    private static let keyUpdate: UInt8 = 24

    /// The allowed length of a message's body; all messages except key updates are ignored.
    private func bodySizes(of type: UInt8) throws(RecordViolation) -> ClosedRange<Int> {
        switch (keys.suite.version, role, type) {
        case (.tls13, _, RecordReader.keyUpdate): return 1...1
        // A ticket; ignored, because links to servers do not resume sessions.
        case (.tls13, .client, 4): return 0...RecordReader.maxTicketBytes
        // RFC 5246 7.4.1.1: a server's request for another handshake may be ignored.
        case (.tls12, .client, 0): return 0...0
        case (.tls12, .server, 1): throw .renegotiation
        default: throw .unexpectedMessage
        }
    }

    private mutating func changeKeys(request: UInt8, isLast: Bool) throws(RecordViolation) {
        guard request <= 1 else { throw .illegalParameter }
        guard isLast else { throw .messageAcrossKeyChange }
        unpaidRecords += RecordReader.recordsPerKeyUpdate
        guard unpaidRecords <= RecordReader.maxUnpaidRecords else { throw .tooManyKeyUpdates }
        guard keys.update() else { throw .libraryFailure }
        wantsKeyUpdate = wantsKeyUpdate || request == 1
    }
}
