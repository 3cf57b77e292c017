internal import Broker

/// Decides which changes of the status are reported.
struct StatusNews {
    /// The most reasons reported in one outage.
    private static let maxReasons = 10

    private var reported: (state: BrokerStatus.State, isUsable: Bool) = (.connecting, false)
    /// The reasons that Redis gave in the current outage and that were reported.
    private var toldReasons: Set<String> = []

    /// Takes the status; returns whether it is to be reported.
    mutating func take(_ status: BrokerStatus) -> Bool {
        // A cluster's new shard is not reported until it works or fails.
        guard status.state != .connecting else { return false }
        let isChange = reported != (status.state, status.isUsable)
        guard isNewReason(status) || isChange else { return false }
        reported = (status.state, status.isUsable)
        return true
    }

    /// A loss says little by itself, so Redis' answers to the next attempts are reported too, each reason once.
    private mutating func isNewReason(_ status: BrokerStatus) -> Bool {
        if status.isUsable { toldReasons = [] }
        guard status.isReasonGiven, let reason = status.reason, toldReasons.count < StatusNews.maxReasons else {
            return false
        }
        return toldReasons.insert(reason).inserted
    }
}
