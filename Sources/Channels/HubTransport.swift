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
    /// Its messages were dropped. `midFrame`: so much of a large message had been sent that not even that could be
    /// finished within the bound; nothing more can be said to the peer.
    case overflow(midFrame: Bool)
    /// The server's budget for all outboxes is spent, and this one was among the largest.
    case overBudget(midFrame: Bool)
    /// Writing failed; the errno value.
    case failed(Int32)
}

/// The hub's way out: writes bytes and hears what became of a connection.
///
/// `hubBlocked` is called inside the fan-out and must not call the hub; the others may reply, join, leave and remove.
public protocol HubTransport: AnyObject {
    /// Sends one piece.
    func send(_ bytes: RawSpan, to link: Int32) -> SendResult
    /// Sends what an outbox holds, or the first pieces of it.
    func send(_ outbox: Outbox, to link: Int32) -> SendResult
    /// The connection took less than it was sent: call `Hub.writable` when there is room.
    func hubBlocked(_ slot: UInt32)
    /// Everything that was queued has been written.
    func hubDrained(_ slot: UInt32, wasBlocked: Bool)
    /// The connection is to be closed.
    ///
    /// It is reported at the end of the flush, never inside the loop over subscribers that found it.
    func hubLost(_ slot: UInt32, _ reason: LossReason)
}
