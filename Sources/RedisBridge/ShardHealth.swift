internal import Broker

/// What a shard reports of its connection.
struct ShardHealth {
    private(set) var state = BrokerStatus.State.connecting
    private var sinceMilliseconds: UInt64
    private var wasConnected = false
    private var wasLost = false
    private var reconnects = 0
    private var roundTripMilliseconds: Double?
    private var reason: String?
    private var isReasonGiven = false
    /// The largest delay before the next attempt; nil while none is due.
    private var retryMilliseconds: UInt64?
    /// What Redis said to a subscription that it refused last.
    var refusal: String?

    init(sinceMilliseconds: UInt64) {
        self.sinceMilliseconds = sinceMilliseconds
    }

    /// A probe has come back by the two links, so that they go to one Redis.
    var isProven: Bool { state == .connected || state == .silent }

    /// A probe came back: the connection works.
    mutating func probed(roundTripMilliseconds: Double, at now: UInt64) {
        self.roundTripMilliseconds = roundTripMilliseconds
        guard state != .connected else { return }
        if wasConnected, wasLost { reconnects += 1 }
        wasConnected = true
        wasLost = false
        setReason(nil)
        retryMilliseconds = nil
        refusal = nil
        enter(.connected, at: now)
    }

    /// A probe did not come back, though the links are open.
    mutating func silent(_ failure: RedisLinkFailure, at now: UInt64) {
        setReason(failure.reason, isTold: failure.isTold)
        retryMilliseconds = nil
        roundTripMilliseconds = nil
        enter(.silent, at: now)
    }

    /// An attempt failed, or a link was lost.
    mutating func failed(_ failure: RedisLinkFailure, at now: UInt64) {
        setReason(failure.reason, isTold: failure.isTold)
        retryMilliseconds = failure.retryMilliseconds
        wasLost = true
        roundTripMilliseconds = nil
        enter(.disconnected, at: now)
    }

    /// Redis has refused the probe, so that it does not come back.
    mutating func refused(_ failure: RedisLinkFailure, at now: UInt64) {
        if state == .connected { silent(failure, at: now) } else { explained(failure.reason) }
    }

    /// Redis has cut the link since this node did not keep up.
    mutating func overrun() {
        explained(
            "this node did not keep up: Redis cut the link at its output buffer limit "
                + "(client-output-buffer-limit pubsub)")
    }

    /// What the loss came from has become known.
    private mutating func explained(_ next: String) {
        if state == .disconnected { setReason(next, isTold: true) }
    }

    /// The status, without what the ledger and the queue know.
    func status(lateChannels: Int) -> BrokerStatus {
        var status = BrokerStatus(state: state, sinceMilliseconds: sinceMilliseconds)
        status.reconnects = reconnects
        status.probeMilliseconds = roundTripMilliseconds
        status.isUsable = state == .connected && lateChannels == 0
        status.reason = reason ?? (lateChannels > 0 ? refusal.map { "SUBSCRIBE was refused: \($0)" } : nil)
        status.isReasonGiven = isReasonGiven
        status.retryMilliseconds = retryMilliseconds
        return status
    }

    private mutating func setReason(_ next: String?, isTold: Bool = false) {
        reason = next
        isReasonGiven = isTold
    }

    private mutating func enter(_ next: BrokerStatus.State, at now: UInt64) {
        guard state != next else { return }
        state = next
        sinceMilliseconds = now
    }
}
