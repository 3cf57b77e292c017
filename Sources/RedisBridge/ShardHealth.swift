internal import Broker

/// A shard's report on its connection.
struct ShardHealth {
    private(set) var state = BrokerStatus.State.connecting
    private var sinceMilliseconds: UInt64
    private var wasConnected = false
    private var wasLost = false
    private var reconnects = 0
    private var roundTripMilliseconds: Double?
    private var reason: String?
    private var isReasonGiven = false
    /// The longest delay before the next attempt; nil while none is due.
    private var retryMilliseconds: UInt64?
    /// Redis' text for the last refused subscription.
    var refusal: String?

    init(sinceMilliseconds: UInt64) {
        self.sinceMilliseconds = sinceMilliseconds
    }

    /// Whether a probe has come back, which shows that both links go to the same Redis.
    var isProven: Bool { state == .connected || state == .silent }

    /// A probe came back, so the connection works.
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

    /// A probe did not come back, although the links are open.
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

    /// Redis refused the probe, so it will not come back.
    mutating func refused(_ failure: RedisLinkFailure, at now: UInt64) {
        if state == .connected { silent(failure, at: now) } else { explained(failure.reason) }
    }

    /// Redis cut the link because this node did not keep up.
    mutating func overrun() {
        explained(
            "this node did not keep up: Redis cut the link at its output buffer limit "
                + "(client-output-buffer-limit pubsub)")
    }

    /// The cause of the loss became known.
    private mutating func explained(_ next: String) {
        if state == .disconnected { setReason(next, isTold: true) }
    }

    /// The status, without the parts that the ledger and the queue add.
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
