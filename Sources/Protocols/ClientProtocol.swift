public import Channels

/// The protocol of clients on an open WebSocket.
public protocol ClientProtocol: Sendable {
    /// The name that clients offer in the handshake (RFC 6455 section 1.9); nil for clients that offer no known name.
    var subprotocol: String? { get }
    /// The name in lists of connections.
    var name: String { get }
    /// Encodes the messages; nil if clients get the published bytes unchanged.
    var encoder: (any MessageEncoder)? { get }

    /// Parses a client's messages and encodes the replies; nil if each connection has a session of its own, made by the
    /// endpoint that lets it in.
    func session() -> (any ClientSession)?

    /// Whether a client that subscribes to a channel, or is in it, has proved to its session that it may.
    func hasProved(itsRightTo channel: String) -> Bool

    /// How a connection ends that pushd ends with a code and a reason.
    func farewell(_ code: UInt16, _ reason: String) -> Farewell
}

/// The end of a connection in the words of its protocol.
public struct Farewell: Equatable, Sendable {
    /// The code of the Close frame.
    public let code: UInt16
    /// A message before it; nil for none.
    public let text: [UInt8]?
}

extension ClientProtocol {
    /// The subprotocol's.
    public var name: String { subprotocol ?? "none" }

    /// False: the rules of channels decide alone.
    public func hasProved(itsRightTo channel: String) -> Bool { false }

    /// As it is.
    public func farewell(_ code: UInt16, _ reason: String) -> Farewell { Farewell(code: code, text: nil) }
}
