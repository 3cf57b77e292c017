/// How the bridge stands with Redis.
public struct RedisStatus: Sendable, Equatable {
    /// What the links are doing.
    public enum State: String, Sendable {
        /// The first attempts run.
        case connecting
        /// A message of the bridge's own has made the way through Redis and back.
        case connected
        /// Redis could not be reached or was lost; attempts go on.
        case disconnected
    }

    /// The state.
    public let state: State
    /// When the state was entered, on the loop's clock.
    public let sinceMilliseconds: UInt64
    /// How often a connection was regained.
    public let reconnects: Int
    /// How many channels Redis has confirmed.
    public let subscribedChannels: Int
    /// The last probe's round trip; nil while not connected.
    public let probeMilliseconds: Double?
    /// Whether messages can be relied on: connected, and no wanted channel is overdue for its confirmation.
    public let isUsable: Bool
    /// What went wrong last, for people; nil while connected.
    public let reason: String?
}

/// Why a publish did not reach Redis, or may not have.
public enum RedisPublishFailure: Error, Equatable, Sendable {
    /// There is no connection; nothing was sent.
    case notConnected
    /// The connection broke before the reply: Redis may have delivered it or not.
    case connectionLost
    /// Too much waits for Redis already; nothing was sent.
    case overloaded
    /// Redis answered with this error.
    case refused(String)
}

extension RedisPublishFailure: CustomStringConvertible {
    /// The failure in words.
    public var description: String {
        switch self {
        case .notConnected: "Redis is not connected"
        case .connectionLost: "the connection to Redis was lost"
        case .overloaded: "too many messages wait for Redis"
        case .refused(let text): "Redis refused: \(text)"
        }
    }
}
