internal import DequeModule
internal import WSLoop

/// How much of a turn each client gets, and the clients that had their share and have more input.
final class TurnQueue {
    /// The most messages or requests of one client per turn.
    private static let maxMessages = 32
    /// After this many messages of all clients together, each client is served only a few more.
    ///
    /// Messages published in the turn are written at its end, so the turn must be short.
    private static let maxMessagesOfAll = 32
    /// More than one, so that a client with a single request is not queued behind clients that have many.
    private static let minMessages = 2
    /// The most clients that continue per turn, because together they must not delay the others either.
    private static let maxServedAgain = 8

    private let context: LoopContext
    private let table: ConnectionTable
    /// First come, first served.
    private var waiting = Deque<StreamKey>()
    /// Messages and requests of all clients in this turn.
    @safe @exclusivity(unchecked) private var served = 0

    init(_ context: LoopContext, _ table: ConnectionTable) {
        self.context = context
        self.table = table
    }

    /// How many messages or requests the next client is served.
    var share: Int { served < TurnQueue.maxMessagesOfAll ? TurnQueue.maxMessages : TurnQueue.minMessages }

    func noteServed(_ count: Int) { served += count }

    func beginTurn() { served = 0 }

    /// Pauses a client until the sockets that are ready by now have been served.
    func add(_ connection: Connection) {
        guard connection.phase.isServed else { return }
        connection.pause.insert(.othersFirst)
        waiting.append(connection.key)
        if waiting.count == 1 { context.post(.serveWaiting) }
    }

    /// Serves clients again that had their share of a turn.
    func serveAgain(_ resume: (Connection) -> Void) {
        for _ in 0..<min(waiting.count, TurnQueue.maxServedAgain) {
            // The client stays at the front meanwhile, so that one that joins the queue finds it non-empty and posts
            // nothing.
            guard let key = waiting.first else { break }
            if let connection = table[key], connection.pause.contains(.othersFirst) { resume(connection) }
            waiting.removeFirst()
        }
        if !waiting.isEmpty { context.post(.serveWaiting) }
    }
}
