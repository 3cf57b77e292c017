// Channels that send only their newest messages, at intervals.
extension Hub {
    /// Holds a message back, if its channel's interval is not over; a newer one may replace it.
    ///
    /// - Returns: false if it is to be delivered now.
    public func hold(_ message: Message, at nowNanoseconds: UInt64) -> Bool {
        let (isHeld, replaced) = conflater.hold(message, at: nowNanoseconds)
        if replaced > 0 {
            subscribers.counts.dropped[DropCause.interval.rawValue] += channels.receiverCount(of: message.channel)
        }
        return isHeld
    }

    /// When messages that are held are due, or intervals end; nil if there are none.
    public var nextDueNanoseconds: UInt64? { conflater.isEmpty ? nil : conflater.nextEnd }

    /// Takes the held messages that are due, each with the connections that have joined since it was published.
    public func takeDue(at nowNanoseconds: UInt64) -> [(message: Message, joined: [UInt32])] {
        conflater.takeDue(at: nowNanoseconds).map { ($0.message, $0.joined) }
    }
}
