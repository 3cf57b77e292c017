public import WebSocket

/// What a subscriber's messages look like on the wire: how they are wrapped and whether they are compressed.
///
/// Subscribers with the same form get the same bytes. One byte, since each subscriber has one.
public struct WireForm: Equatable, Sendable {
    private let bits: UInt8

    /// The form of a subscriber.
    ///
    /// - Parameter window: what it can decompress; nil for plain frames.
    public init(_ encoding: WireEncoding = .plain, deflated window: DeflateWindow? = nil) {
        bits = (window?.rawValue ?? 0) << 1 | encoding.rawValue
    }

    /// How messages are wrapped.
    public var encoding: WireEncoding { bits & 1 == 0 ? .plain : .envelope }
    /// The window that messages are compressed with; nil for plain frames.
    public var window: DeflateWindow? { DeflateWindow(rawValue: bits >> 1) }
}
