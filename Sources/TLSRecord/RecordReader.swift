/// The reading direction of an established session: turns records into what they carry, in place.
///
/// It knows what may come after a handshake: data, alerts, and with TLS 1.3 key updates and, for a client, tickets.
public struct RecordReader: ~Copyable {
    /// Which end of the connection reads.
    public enum Role: Sendable { case client, server }

    /// How the stream ended.
    public enum End: Equatable, Sendable {
        /// The peer sends nothing more, and said so.
        case closeNotify
        /// The peer gave up, with this alert (RFC 8446 6.2).
        case alert(UInt8)
        /// The peer did what ends the session.
        case violation(RecordViolation)
    }

    /// What there was in some bytes.
    public struct Progress: Equatable, Sendable {
        /// How many of them were whole records; the others are to be offered again.
        public var recordBytes = 0
        /// How many bytes of data are now at the front of them.
        public var dataBytes = 0
        /// The stream's end, behind that data.
        public var end: End?

        /// Nothing yet.
        public init() {}
    }

    /// The longest of what is expected; servers' tickets have some hundred bytes.
    private static let maxTicketBytes = 65_536
    /// How many records of data pay for a change of keys.
    public static let recordsPerKeyUpdate = 16
    /// So many may be owed: the peer may change its keys 32 times at once.
    public static let maxUnpaidRecords = 32 * recordsPerKeyUpdate

    private let keys: TrafficKeys
    private let role: Role
    /// A message whose other part is in the next record.
    private var message: [UInt8] = []
    /// How many records of data more would pay for all of the peer's changes of keys (see `recordsPerKeyUpdate`).
    private var unpaidRecords = 0
    /// Whether the peer has asked for new keys in the other direction (RFC 8446 4.6.3).
    public private(set) var wantsKeyUpdate = false

    /// Begins with these keys.
    public init(_ keys: TrafficKeys, role: Role) {
        self.keys = keys
        self.role = role
    }

    /// Takes all whole records at the front of `bytes`, and puts the data that they carry there instead.
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

    /// The length of the record at the front; nil if it has not wholly arrived.
    private func recordBytes(_ bytes: UnsafeRawBufferPointer) throws(RecordViolation) -> Int? {
        guard let first = unsafe bytes.first else { return nil }
        // Told from the first byte, or else a length that means nothing would be waited for.
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
            // RFC 8446 5.4: behind the true type are as many zeros as the peer liked.
            guard let last = unsafe content.lastIndex(where: { $0 != 0 }) else { throw .unexpectedMessage }
            type = unsafe content[last]
            unsafe content = UnsafeRawBufferPointer(rebasing: content[..<last])
        }
        guard content.count <= RecordSuite.maxContentBytes else { throw .recordOverflow }
        guard let type = ContentType(rawValue: type) else { throw .unexpectedMessage }
        guard content.count > 0 || type == .applicationData else { throw .emptyFragment }
        return unsafe (type, content)
    }

    /// What an alert means: nil if nothing (RFC 8446 6.1, RFC 5246 7.2).
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
            // What will be refused is not waited for.
            guard try bodySizes(of: type).contains(bodyBytes) else { throw .malformedMessage }
            let end = begin + 4 + bodyBytes
            guard message.count >= end else { break }
            if type == RecordReader.keyUpdate {
                try changeKeys(request: message[begin + 4], isLast: message.count == end)
            }
            begin = end
        }
        // Nothing of an idle session stays allocated.
        if begin == message.count { message = [] } else { message.removeFirst(begin) }
    }

    private static let keyUpdate: UInt8 = 24

    /// How long the body of a message may be; all messages are ignored but key updates.
    private func bodySizes(of type: UInt8) throws(RecordViolation) -> ClosedRange<Int> {
        switch (keys.suite.version, role, type) {
        case (.tls13, _, RecordReader.keyUpdate): return 1...1
        // A ticket: links to servers do not resume sessions.
        case (.tls13, .client, 4): return 0...RecordReader.maxTicketBytes
        // RFC 5246 7.4.1.1: a server's wish for another handshake may be ignored.
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
