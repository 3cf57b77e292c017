internal import Synchronization
internal import WSLoop

/// The data that each worker publishes to the others; safe on any thread.
struct WorkerBoards: Sendable {
    private final class Board: Sendable {
        let counters = Mutex(WorkerCounters())
        let openStreams = Atomic<Int>(0)
        let beatNanoseconds = Atomic<UInt64>(Loop.monotonicNanoseconds)
        let sendsThroughRing = Atomic<Bool>(false)
    }

    private static let stallNanoseconds: UInt64 = 10_000_000_000

    private let boards: [Board]

    init(workers: Int) {
        boards = (0..<workers).map { _ in Board() }
    }

    /// Publishes a worker's counters so far.
    func publish(_ counters: WorkerCounters, of worker: Int) {
        boards[worker].counters.withLock { $0 = counters }
    }

    /// The sums of all workers' counters.
    func totals() -> WorkerCounters {
        var total = WorkerCounters()
        for board in boards { board.counters.withLock { total.add($0) } }
        return total
    }

    /// Counts the client sockets of a worker, HTTP and WebSocket.
    func countStream(_ change: Int, on worker: Int) {
        boards[worker].openStreams.add(change, ordering: .relaxed)
    }

    /// The worker with the fewest client sockets.
    func leastLoadedWorker() -> Int {
        boards.indices.min {
            boards[$0].openStreams.load(ordering: .relaxed) < boards[$1].openStreams.load(ordering: .relaxed)
        } ?? 0
    }

    /// Notes that a worker's loop is running.
    func beat(_ worker: Int) {
        boards[worker].beatNanoseconds.store(Loop.monotonicNanoseconds, ordering: .relaxed)
    }

    /// Whether every loop has run within the last seconds.
    var allLoopsTurn: Bool {
        let now = Loop.monotonicNanoseconds
        return boards.allSatisfy { board in
            let beat = board.beatNanoseconds.load(ordering: .relaxed)
            return beat >= now || now - beat < WorkerBoards.stallNanoseconds
        }
    }

    /// Notes which sender a worker uses.
    func noteSender(_ sender: any Sender, of worker: Int) {
        boards[worker].sendsThroughRing.store(sender is RingSender, ordering: .relaxed)
    }

    /// Whether writes go through io_uring: if one worker has it, all have.
    var sendThroughRing: Bool { boards.contains { $0.sendsThroughRing.load(ordering: .relaxed) } }
}
