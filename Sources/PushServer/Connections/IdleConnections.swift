internal import WSLoop

/// Finds HTTP connections that wait for a next request: when descriptors run short, they make room for clients that
/// want something.
final class IdleConnections {
    /// How many connections one search visits, and how many of them it closes at most.
    private static let search = (connections: 4096, closes: 128)
    /// A client that has just connected, or asked, is not idle yet.
    private static let idleTicks = DeadlineWheel.ticks(.seconds(1))

    private let context: LoopContext
    private let table: ConnectionTable
    private let closing: Closing
    /// The slot at which the last search ended.
    private var lastSlot = 0

    init(_ context: LoopContext, _ table: ConnectionTable, _ closing: Closing) {
        self.context = context
        self.table = table
        self.closing = closing
    }

    /// Closes some, beginning where the last search ended.
    func closeSome() {
        var closes = 0
        for _ in 0..<min(table.slotCount, IdleConnections.search.connections) {
            guard closes < IdleConnections.search.closes else { return }
            lastSlot = lastSlot + 1 < table.slotCount ? lastSlot + 1 : 0
            guard let connection = table[UInt32(lastSlot)], isIdle(connection) else { continue }
            context.counters.idleClosed += 1
            closes += 1
            closing.close(connection)
        }
    }

    private func isIdle(_ connection: Connection) -> Bool {
        connection.phase == .http && connection.requests?.isIdle == true && !connection.isPaused
            && connection.continuation == nil && closing.isAllSent(connection)
            && connection.life.silentTicks(at: context.tick) >= IdleConnections.idleTicks
    }
}
