internal import Access
internal import DequeModule
internal import Protocols
internal import WSLoop

/// What happens to a client that exceeds its message rate.
public enum RateExcess: String, CaseIterable, Sendable {
    /// It is closed with 4429; an HTTP request gets 429.
    case close
    /// Each excess message or request gets an error and is not executed.
    case error
    /// Nothing more is read from it until the second is over.
    case pause
}

/// A client's units in the current second: one for each frame and request.
struct MessageRate {
    private static let windowTicks = UInt32(1000 / DeadlineWheel.tickMilliseconds)

    private var beginTick: UInt32 = 0
    private var spent: UInt32 = 0

    /// Adds units; returns the number before in this second.
    mutating func spend(_ units: Int, at tick: UInt32) -> Int {
        if isOver(at: tick) { (beginTick, spent) = (tick, 0) }
        defer { spent = UInt32(clamping: Int(spent) + units) }
        return Int(spent)
    }

    /// Whether the second is over.
    func isOver(at tick: UInt32) -> Bool { tick - beginTick >= MessageRate.windowTicks }
}

/// Counts each client's input, so that no client can use up a core.
final class MessageRates {
    private let context: LoopContext
    private let table: ConnectionTable
    /// By slot, as far as needed.
    @safe @exclusivity(unchecked) private var rates: ContiguousArray<MessageRate> = []
    private var paused = Deque<StreamKey>()

    init(_ context: LoopContext, _ table: ConnectionTable) {
        self.context = context
        self.table = table
    }

    /// Counts a client's input.
    ///
    /// - Returns: false if it comes too fast and must not be acted on.
    func admits(units: Int, of connection: Connection) -> Bool {
        guard let limit = context.state.configuration.maxMessageRate else { return true }
        let slot = Int(connection.slot)
        while rates.count <= slot { rates.append(MessageRate()) }
        let before = rates[slot].spend(units, at: context.tick)
        guard context.state.configuration.rateExcess != .pause else {
            if before + units >= limit.value { pause(connection) }
            return true
        }
        guard before >= limit.value, context.isStopped(by: .messageRate) else { return true }
        context.counters.messagesOverRate += 1
        return false
    }

    /// Lets a connection begin with nothing spent.
    func forget(_ connection: Connection) {
        if connection.slot < rates.count { rates[Int(connection.slot)] = MessageRate() }
    }

    /// The refusal for a client that exceeds its rate.
    var refusal: CommandRefusal {
        .tooManyMessages(limit: context.state.configuration.maxMessageRate?.value ?? 0)
    }

    private func pause(_ connection: Connection) {
        guard !connection.pause.contains(.overRate), context.isStopped(by: .messageRate) else { return }
        guard connection.phase.isServed else { return }
        connection.pause.insert(.overRate)
        paused.append(connection.key)
    }

    /// Clients that were paused in the last second continue, in turns.
    func endPauses(_ turns: TurnQueue) {
        while let key = paused.first {
            if let connection = table[key], connection.pause.contains(.overRate) {
                guard rates[Int(key.slot)].isOver(at: context.tick) else { return }
                if !connection.pause.contains(.othersFirst) { turns.add(connection) }
                connection.pause.remove(.overRate)
            }
            paused.removeFirst()
        }
    }
}
