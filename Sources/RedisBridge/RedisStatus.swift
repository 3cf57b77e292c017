/// How the bridge stands with Redis.
public struct RedisStatus: Sendable, Equatable {
    /// What the links are doing.
    public enum State: String, Sendable {
        /// The first attempts run.
        case connecting
        /// A message of the bridge's own has made the way through Redis and back.
        case connected
        /// Connected, but what the bridge sends to itself does not come back.
        case silent
        /// Redis could not be reached or was lost; attempts go on.
        case disconnected
    }

    /// The state.
    public internal(set) var state: State
    /// When the state was entered, on the loop's clock.
    public internal(set) var sinceMilliseconds: UInt64
    /// How often a connection was regained.
    public internal(set) var reconnects = 0
    /// How many channels Redis has confirmed.
    public internal(set) var subscribedChannels = 0
    /// The last probe's round trip; nil while not connected.
    public internal(set) var probeMilliseconds: Double?
    /// Whether messages can be relied on: connected, and no wanted channel is overdue for its confirmation.
    public internal(set) var isUsable = false
    /// What went wrong last, for people; nil while usable.
    public internal(set) var reason: String?
    /// Redis itself has told the reason, and not only ended a connection.
    var isReasonTold = false
    /// The next attempt comes within this time; nil while none is due.
    public internal(set) var retryMilliseconds: UInt64?
    /// How often Redis has cut the link because this node did not keep up with its messages.
    public internal(set) var overruns = 0
    /// How many messages and commands wait for a connection or for a reply.
    public internal(set) var queuedCommands = 0
    /// Messages that arrived on Redis channels that are no channel here.
    public internal(set) var ignoredMessages = 0
}

extension RedisStatus {
    /// The status of all shards together: the state is that of the one that is worst off.
    static func combining(_ shards: [RedisStatus]) -> RedisStatus {
        let order: [State] = [.connected, .silent, .connecting, .disconnected]
        let rank = { (status: RedisStatus) in (order.firstIndex(of: status.state) ?? 0, status.isUsable ? 0 : 1) }
        guard var worst = shards.max(by: { rank($0) < rank($1) }) else {
            return RedisStatus(state: .connecting, sinceMilliseconds: 0)
        }
        worst.reconnects = shards.reduce(0) { $0 + $1.reconnects }
        worst.overruns = shards.reduce(0) { $0 + $1.overruns }
        worst.queuedCommands = shards.reduce(0) { $0 + $1.queuedCommands }
        worst.subscribedChannels = shards.reduce(0) { $0 + $1.subscribedChannels }
        worst.probeMilliseconds = worst.state == .connected ? shards.compactMap(\.probeMilliseconds).max() : nil
        return worst
    }
}

/// Why a publish did not reach Redis, or may not have.
public enum RedisPublishFailure: Error, Equatable, Sendable {
    /// There is no connection; nothing was sent.
    case notConnected
    /// The connection broke before the reply, or the reply did not come in time: Redis may deliver it or not.
    case unanswered
    /// Too much waits for Redis already; nothing was sent.
    case overloaded
    /// Redis answered with this error.
    case refused(String)

    /// What a reply says as one to PUBLISH: how many Redis clients got the message, or why none did.
    static func outcome(_ reply: RedisReply?) -> Result<Int, RedisPublishFailure> {
        guard let reply else { return .failure(.unanswered) }
        return reply.errorText.map { .failure(.refused($0)) } ?? .success(reply.integer ?? 0)
    }
}

extension RedisPublishFailure: CustomStringConvertible {
    /// The failure in words.
    public var description: String {
        switch self {
        case .notConnected: "Redis is not connected"
        case .unanswered: "Redis did not answer: the message may be delivered or not"
        case .overloaded: "too many messages wait for Redis"
        case .refused(let text): "Redis refused: \(text)"
        }
    }
}
