internal import Channels
internal import Logging
internal import WSLoop
internal import WebSocket

/// The schedule for closing a worker's connections, so that not all clients reconnect at the same time.
struct DrainSchedule {
    private let keys: [StreamKey]
    private let startNanoseconds: UInt64
    private let periodNanoseconds: Double
    private var next = 0

    init(_ keys: [StreamKey], over period: Duration, from startNanoseconds: UInt64) {
        self.keys = keys
        self.startNanoseconds = startNanoseconds
        let (seconds, attoseconds) = period.components
        periodNanoseconds = Double(seconds) * 1e9 + Double(attoseconds) / 1e9
    }

    var isOver: Bool { next == keys.count }

    /// Returns the connections that are due: the first at once, the others spread evenly.
    mutating func due(atNanoseconds now: UInt64) -> ArraySlice<StreamKey> {
        let elapsed = Double(now - startNanoseconds)
        let share = periodNanoseconds > 0 ? min(elapsed / periodNanoseconds, 1) : 1
        let end = min(keys.count, Int(Double(keys.count) * share) + 1)
        defer { next = max(next, end) }
        return keys[next..<max(next, end)]
    }
}

/// Ends the connections of a loop when the server stops, and reports when none is left.
final class Drain {
    private static let stepMilliseconds: UInt64 = 20

    private let context: LoopContext
    private let table: ConnectionTable
    private let closing: Closing
    private let webSockets: WebSocketExchange
    private var schedule: DrainSchedule?
    private var timer: Timer?
    private var hasReported = false

    init(_ context: LoopContext, _ table: ConnectionTable, _ closing: Closing, _ webSockets: WebSocketExchange) {
        self.context = context
        self.table = table
        self.closing = closing
        self.webSockets = webSockets
    }

    func close() {
        timer?.close()
    }

    /// Starts to close the WebSockets and streams, spread over the drain period.
    func begin() {
        guard schedule == nil else { return }
        let keys = table.all.filter { $0.phase.isSubscribed }.map(\.key).shuffled()
        schedule = DrainSchedule(keys, over: context.state.configuration.drain, from: Loop.monotonicNanoseconds)
        do throws(SystemError) {
            let timer = try Timer(on: context.loop)
            self.timer = timer
            timer.onEvent { [unowned self] in step() }
            timer.start(afterMilliseconds: 0, everyMilliseconds: Drain.stepMilliseconds)
        } catch {
            context.state.logger.error("drain cut short", metadata: ["error": "\(error)"])
            context.loop.stop()
        }
    }

    private func step() {
        for key in schedule?.due(atNanoseconds: Loop.monotonicNanoseconds) ?? [] {
            if let connection = table[key] { webSockets.fail(connection, .drain) }
        }
        guard schedule?.isOver == true else { return }
        endIdleRequests()
        guard table.count == 0, !hasReported else { return }
        hasReported = true
        context.tellNode(.drained)
    }

    /// After all WebSockets and streams got their last message, HTTP connections without a pending response end as
    /// well.
    private func endIdleRequests() {
        for connection in table.all where [.http, .proxyHeader].contains(connection.phase) {
            guard connection.continuation == nil, context.hub.queuedBytes(of: connection.slot) == 0 else { continue }
            closing.close(connection)
        }
    }
}
