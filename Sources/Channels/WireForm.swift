public import WebSocket

/// The wire format of a subscriber's messages: which encoder writes them and whether they are compressed.
///
/// Subscribers with the same form get the same bytes. One byte, since each subscriber has one.
public struct WireForm: Equatable, Sendable {
    /// How many encoders a hub can have.
    public static let maxEncoders = 16

    private let bits: UInt8

    /// The form of a subscriber.
    ///
    /// - Parameters:
    ///   - encoder: the index of an encoder that was given to the hub.
    ///   - window: the subscriber's decompression window; nil for uncompressed messages. Messages without frames are
    ///     pieces of a body in gzip if there is one.
    public init(encoder: Int = 0, deflated window: DeflateWindow? = nil) {
        precondition((0..<WireForm.maxEncoders).contains(encoder), "WireForm: no such encoder")
        bits = UInt8(encoder) << 4 | (window?.rawValue ?? 0)
    }

    /// The index of the encoder.
    public var encoder: Int { Int(bits >> 4) }
    /// The window that messages are compressed with; nil for uncompressed ones.
    public var window: DeflateWindow? { DeflateWindow(rawValue: bits & 0xF) }
}
