internal import Bytes
internal import DequeModule

// The ledger's timeouts.
extension SubscriptionLedger {
    /// A running delay; delays of the same length expire in the order in which they began.
    ///
    /// A cancelled delay stays in its queue: it counts only while its entry still has the same deadline.
    struct Delay {
        let name: ByteName
        let deadline: UInt64
    }

    /// Advances the time.
    ///
    /// - Returns: the channels that are ready because their time is up.
    mutating func advance(to now: UInt64) -> [String] {
        expireDepartures(at: now)
        return expireConfirmations(dueBy: now, at: now)
    }

    /// The time at which `advance(to:)` has something to do.
    mutating func nextDeadline() -> UInt64? {
        while let delay = confirmations.first, !isCurrentConfirmation(delay) { _ = confirmations.popFirst() }
        while let delay = departures.first, !isCurrentDeparture(delay) { _ = departures.popFirst() }
        guard let confirmation = confirmations.first, let departure = departures.first else {
            return confirmations.first?.deadline ?? departures.first?.deadline
        }
        return min(confirmation.deadline, departure.deadline)
    }

    mutating func awaitConfirmation(_ entry: inout Entry, _ name: ByteName, until deadline: UInt64) {
        entry.confirmBy = deadline
        confirmations.append(Delay(name: name, deadline: deadline))
    }

    mutating func linger(_ entry: inout Entry, _ name: ByteName, until deadline: UInt64) {
        entry.lingerUntil = deadline
        departures.append(Delay(name: name, deadline: deadline))
    }

    mutating func expireConfirmations(dueBy due: UInt64, at now: UInt64) -> [String] {
        var settled: [String] = []
        while let delay = confirmations.first, delay.deadline <= due || !isCurrentConfirmation(delay) {
            _ = confirmations.popFirst()
            guard isCurrentConfirmation(delay), var entry = entries[delay.name] else { continue }
            entry.confirmBy = nil
            if isLinked, !entry.isLate {
                entry.isLate = true
                lateCount += 1
            }
            if entry.isAwaited {
                settled.append(delay.name.text)
                // The client is told that it is subscribed, although Redis has not confirmed it.
                entry.gapSince = entry.gapSince ?? now
            }
            entry.isAwaited = false
            entries[delay.name] = entry
        }
        return settled
    }

    private func isCurrentConfirmation(_ delay: Delay) -> Bool { entries[delay.name]?.confirmBy == delay.deadline }
    private func isCurrentDeparture(_ delay: Delay) -> Bool { entries[delay.name]?.lingerUntil == delay.deadline }

    private mutating func expireDepartures(at now: UInt64) {
        while let delay = departures.first, delay.deadline <= now || !isCurrentDeparture(delay) {
            _ = departures.popFirst()
            guard isCurrentDeparture(delay), var entry = entries[delay.name] else { continue }
            if case .requested = entry.phase {
                // The channel is kept: if it were given up now, its replies would be mistaken for those to a later
                // SUBSCRIBE.
                linger(&entry, delay.name, until: now + lingerMilliseconds)
                entries[delay.name] = entry
            } else {
                giveUp(delay.name, entry)
            }
        }
    }

    private mutating func giveUp(_ name: ByteName, _ entry: Entry) {
        entries[name] = nil
        if entry.isLate { lateCount -= 1 }
        guard entry.phase == .confirmed else { return }
        confirmedCount -= 1
        leave(name.text)
    }
}
