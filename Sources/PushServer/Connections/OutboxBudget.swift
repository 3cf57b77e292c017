internal import Channels
internal import Logging
internal import WSLoop

/// The loop's part in `--outbox-budget`: it tells the other loops what is queued here, and sheds queues while the
/// server is over the budget.
final class OutboxBudget {
    private static let slackPart = 16

    private let context: LoopContext
    private let links: SecureLinks
    /// The queued bytes that were reported to the other loops.
    private var accountedBytes = 0

    init(_ context: LoopContext, _ links: SecureLinks) {
        self.context = context
        self.links = links
    }

    /// Sheds queues while the server is over its budget.
    func settle() {
        let hub = context.hub
        guard hub.queuedBytes + links.unsentBytes > 0 || accountedBytes > 0 else { return }
        let budget = context.settings.configuration.outboxBudgetBytes
        let share = budget / context.state.workers
        let held = links.unsentBytes + hub.heldBytes
        let excess = account(held) - budget
        // A worker within its share of the budget drops nothing because of another worker.
        guard excess > 0, held > share else { return }
        // Somewhat more than needed, because finding the largest queues requires a walk over all, which must not happen
        // every turn.
        hub.shed(bytes: min(excess, held - share) + budget / OutboxBudget.slackPart)
        // One line a second at most; for that long publishers are refused.
        if context.state.bytes.noteShed(atNanoseconds: Loop.monotonicNanoseconds) {
            context.state.logger.warning("over budget: the slowest clients are closed (--outbox-budget)")
        }
        context.counters.add(hub.takeCounts())
        _ = account(hub.heldBytes + links.unsentBytes)
    }

    /// Reports the queued bytes to the other workers; returns the total.
    private func account(_ held: Int) -> Int {
        let change = held - accountedBytes
        accountedBytes = held
        return context.state.bytes.countOutbound(change)
    }
}
