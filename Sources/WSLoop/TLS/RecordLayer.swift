/// Which code seals and opens the records of an established session (docs/decisions/0015).
public enum TLSRecords: String, CaseIterable, Sendable {
    /// OpenSSL's session, which also does the handshake.
    case openssl
    /// `TLSRecord`; OpenSSL's session is freed after the handshake.
    case compact
}

/// Seals an established session's bytes into records, and opens its peer's records.
///
/// Sealed records are added to the session's output.
protocol RecordLayer: AnyObject {
    /// Bytes of memory held for an incomplete record.
    var heldInputBytes: Int { get }
    /// Fills a buffer with at most `byteCount` bytes from a descriptor.
    func fill(_ buffer: ReadBuffer, from descriptor: Int32, atMost byteCount: Int) -> Socket.ReadResult
    /// Replaces a filled buffer's content with the content of the complete records in it.
    func open(_ buffer: ReadBuffer) -> OpenedRecords
    /// Seals bytes into records that are as full as possible; the last bytes wait for more, or for `finishSealing`.
    ///
    /// - Returns: false if OpenSSL fails.
    func seal(_ bytes: RawSpan) -> Bool
    /// Seals the waiting bytes into a record; false if OpenSSL fails.
    func finishSealing() -> Bool
    /// Drops the waiting bytes after a failure.
    func abandonSealing()
    /// Announces that nothing more will be sent.
    func sendCloseNotify()
}

/// The result of opening the records in a buffer.
struct OpenedRecords {
    /// The number of bytes of content in the buffer now.
    var dataBytes = 0
    /// The end of the stream, after those bytes.
    var end: TLSSession.ReadResult?
}
