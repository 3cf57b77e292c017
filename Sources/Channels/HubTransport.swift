/// What a write came to.
public enum SendResult: Equatable, Sendable {
    /// The kernel took so many bytes, perhaps fewer than offered, but at least one.
    case accepted(Int)
    /// The kernel takes nothing for now.
    case blocked
    /// The connection is broken; the errno value.
    case failed(Int32)
}

/// Why the hub gives a connection up.
public enum LossReason: Equatable, Sendable {
    /// Its outbox would have passed the bound: a slow consumer.
    ///
    /// Its messages were dropped, but for the rest of one that was begun.
    case overflow
    /// The server's budget for all outboxes is spent, and this one was among the largest.
    ///
    /// `midFrame`: the rest of a message that was begun was dropped too; nothing more can be said to the peer.
    case overBudget(midFrame: Bool)
    /// Writing failed; the errno value.
    case failed(Int32)
}

/// The hub's way out: makes writes, many with one call, and hears what became of a connection.
///
/// `hubBlocked` is called while results come in and must not call the hub; the others may reply, join, leave and remove.
public protocol HubTransport: AnyObject {
    /// Adds a write of one piece to those that `sendPrepared` makes.
    ///
    /// The bytes stay where they are until then, and no more than `Hub.maxPreparedWrites` are added before.
    func prepare(_ bytes: RawSpan, to link: Int32)
    /// Adds a write of what an outbox holds, or of its first pieces; the outbox does not change until `sendPrepared`.
    func prepare(_ outbox: Outbox, to link: Int32)
    /// Makes the prepared writes and forgets them.
    ///
    /// - Parameter completed: takes each result, with the number of its write, counted from 0 in the order of preparation.
    func sendPrepared(_ completed: (_ write: Int, _ result: SendResult) -> Void)
    /// The connection took less than it was sent: call `Hub.writable` when there is room.
    func hubBlocked(_ slot: UInt32)
    /// Everything that was queued has been written.
    func hubDrained(_ slot: UInt32)
    /// The connection is to be closed.
    ///
    /// It is reported at the end of the flush, never inside the loop over subscribers that found it.
    func hubLost(_ slot: UInt32, _ reason: LossReason)
    /// Bytes that the transport took for a connection and the kernel has not; they count in its bound.
    func unsentBytes(of link: Int32) -> Int
}
