public import Channels

/// What clients speak on an open WebSocket.
public protocol ClientProtocol: Sendable {
    /// The name that clients offer in the handshake (RFC 6455 section 1.9); nil for clients that offer no known name.
    var subprotocol: String? { get }
    /// What writes the messages; nil if clients get the published bytes as they are.
    var encoder: (any MessageEncoder)? { get }

    /// What reads a client's messages and answers them.
    func session() -> any ClientSession
}
