/// What a shard reports of its connection.
struct ShardHealth {
    private(set) var state = RedisStatus.State.connecting
    private var sinceMilliseconds: UInt64
    private var wasConnected = false
    private var wasLost = false
    private var reconnects = 0
    private var roundTripMilliseconds: Double?
    private var reason: String?
    /// What Redis said to a subscription that it refused last.
    var refusal: String?

    init(sinceMilliseconds: UInt64) {
        self.sinceMilliseconds = sinceMilliseconds
    }

    /// A probe came back: the connection works.
    mutating func probed(roundTripMilliseconds: Double, at now: UInt64) {
        self.roundTripMilliseconds = roundTripMilliseconds
        guard state != .connected else { return }
        if wasConnected, wasLost { reconnects += 1 }
        wasConnected = true
        wasLost = false
        reason = nil
        refusal = nil
        enter(.connected, at: now)
    }

    /// A probe did not come back, though the links are open.
    mutating func silent(_ reason: String, at now: UInt64) {
        self.reason = reason
        roundTripMilliseconds = nil
        enter(.silent, at: now)
    }

    /// An attempt failed, or a link was lost.
    mutating func failed(_ reason: String, at now: UInt64) {
        self.reason = reason
        wasLost = true
        roundTripMilliseconds = nil
        enter(.disconnected, at: now)
    }

    /// Redis has cut the link since this node did not keep up.
    mutating func overrun() {
        guard state == .disconnected else { return }
        reason =
            "this node did not keep up: Redis cut the link at its output buffer limit "
            + "(client-output-buffer-limit pubsub)"
    }

    /// The status, without what the ledger and the queue know.
    func status(lateChannels: Int) -> RedisStatus {
        var status = RedisStatus(state: state, sinceMilliseconds: sinceMilliseconds)
        status.reconnects = reconnects
        status.probeMilliseconds = roundTripMilliseconds
        status.isUsable = state == .connected && lateChannels == 0
        status.reason = reason ?? (lateChannels > 0 ? refusal.map { "SUBSCRIBE was refused: \($0)" } : nil)
        return status
    }

    private mutating func enter(_ next: RedisStatus.State, at now: UInt64) {
        guard state != next else { return }
        state = next
        sinceMilliseconds = now
    }
}
