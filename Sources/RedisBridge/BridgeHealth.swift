/// What the bridge reports of its connection, and which changes are worth a word.
struct BridgeHealth {
    private var state = RedisStatus.State.connecting
    private var sinceMilliseconds: UInt64
    private var wasConnected = false
    private var reconnects = 0
    private var roundTripMilliseconds: Double?
    private var reason: String?
    private var reported: (state: RedisStatus.State, isUsable: Bool) = (.connecting, false)

    init(sinceMilliseconds: UInt64) {
        self.sinceMilliseconds = sinceMilliseconds
    }

    /// A probe came back: the connection works.
    mutating func probed(roundTripMilliseconds: Double, at now: UInt64) {
        self.roundTripMilliseconds = roundTripMilliseconds
        guard state != .connected else { return }
        if wasConnected { reconnects += 1 }
        wasConnected = true
        reason = nil
        enter(.connected, at: now)
    }

    /// An attempt failed, or a link was lost.
    mutating func failed(_ reason: String, at now: UInt64) {
        self.reason = reason
        roundTripMilliseconds = nil
        enter(.disconnected, at: now)
    }

    func status(subscribedChannels: Int, lateChannels: Int) -> RedisStatus {
        RedisStatus(
            state: state, sinceMilliseconds: sinceMilliseconds, reconnects: reconnects,
            subscribedChannels: subscribedChannels, probeMilliseconds: roundTripMilliseconds,
            isUsable: state == .connected && lateChannels == 0, reason: reason)
    }

    /// Whether the state or the usability is another than when this last returned true.
    mutating func isNews(_ status: RedisStatus) -> Bool {
        guard reported != (status.state, status.isUsable) else { return false }
        reported = (status.state, status.isUsable)
        return true
    }

    private mutating func enter(_ next: RedisStatus.State, at now: UInt64) {
        guard state != next else { return }
        state = next
        sinceMilliseconds = now
    }
}
