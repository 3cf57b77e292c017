/// Who makes and reads the records of an established session (docs/decisions/0015).
public enum TLSRecords: String, CaseIterable, Sendable {
    /// OpenSSL's session, which has done the handshake.
    case openssl
    /// `TLSRecord`, with nothing left of OpenSSL's session.
    case compact
}

/// What makes records of an established session's bytes, and bytes of its peer's records.
///
/// What is to be sent goes into the session's output.
protocol RecordLayer: AnyObject {
    /// How many bytes of memory are held for a record that has not wholly arrived.
    var heldInputBytes: Int { get }
    /// Fills a buffer from a descriptor, with at most so many bytes.
    func fill(_ buffer: ReadBuffer, from descriptor: Int32, atMost byteCount: Int) -> Socket.ReadResult
    /// Replaces a filled buffer's content by what the whole records in it carry.
    func open(_ buffer: ReadBuffer) -> OpenedRecords
    /// Makes records of bytes, as full as possible: the last ones may wait for more of them, or `finishSealing`.
    ///
    /// - Returns: false if OpenSSL fails.
    func seal(_ bytes: RawSpan) -> Bool
    /// Makes a record of what waits; false if OpenSSL fails.
    func finishSealing() -> Bool
    /// Drops what waits, after a failure.
    func abandonSealing()
    /// Says that nothing more will be sent.
    func sayGoodbye()
}

/// What there was in a filled buffer.
struct OpenedRecords {
    /// How many bytes are the buffer's content now.
    var dataBytes = 0
    /// What is behind them.
    var end: TLSSession.ReadResult?
}
