public import Channels

/// The protocol of clients on an open WebSocket.
public protocol ClientProtocol: Sendable {
    /// The name that clients offer in the handshake (RFC 6455 section 1.9); nil for clients that offer no known name.
    var subprotocol: String? { get }
    /// Encodes the messages; nil if clients get the published bytes unchanged.
    var encoder: (any MessageEncoder)? { get }

    /// Parses a client's messages and encodes the replies.
    func session() -> any ClientSession
}
