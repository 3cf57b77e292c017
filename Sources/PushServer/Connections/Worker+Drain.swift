internal import Channels
internal import Logging
internal import WSLoop
internal import WebSocket

/// Which connections of a worker are closed when, so that a stop does not send all clients back at once.
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

    /// Takes those whose time has come: the first at once, the rest spread evenly.
    mutating func due(atNanoseconds now: UInt64) -> ArraySlice<StreamKey> {
        let elapsed = Double(now - startNanoseconds)
        let share = periodNanoseconds > 0 ? min(elapsed / periodNanoseconds, 1) : 1
        let end = min(keys.count, Int(Double(keys.count) * share) + 1)
        defer { next = max(next, end) }
        return keys[next..<max(next, end)]
    }
}

extension Worker {
    private static let drainStepMilliseconds: UInt64 = 20

    /// Begins closing the WebSockets, spread over the drain period.
    func beginDrain() {
        guard drainSchedule == nil else { return }
        let keys = connections.compactMap { $0?.phase == .webSocket ? $0?.key : nil }.shuffled()
        drainSchedule = DrainSchedule(
            keys, over: state.configuration.drain, from: Loop.monotonicNanoseconds)
        do throws(SystemError) {
            let timer = try Timer(on: loop)
            timer.onEvent { [unowned self] in drainStep() }
            timer.start(afterMilliseconds: 0, everyMilliseconds: Worker.drainStepMilliseconds)
            keep(timer)
        } catch {
            state.logger.error("drain cut short", metadata: ["error": "\(error)"])
            loop.stop()
        }
    }

    private func drainStep() {
        let now = Loop.monotonicNanoseconds
        for key in drainSchedule?.due(atNanoseconds: now) ?? [] {
            if let connection = connection(key) { fail(connection, .goingAway, "server is going away", .drain) }
        }
        endIdleRequests()
        drainProgressed()
    }

    /// Once the WebSockets have been told, HTTP connections that are owed no answer end as well.
    private func endIdleRequests() {
        guard drainSchedule?.isOver == true else { return }
        for connection in connections {
            guard let connection, [.http, .proxyHeader].contains(connection.phase), connection.pending == nil,
                hub.queuedBytes(of: connection.slot) == 0
            else { continue }
            close(connection)
        }
    }

    /// Reports once that no connection is left.
    func drainProgressed() {
        guard let schedule = drainSchedule, schedule.isOver, !hasReportedDrained else { return }
        guard connections.allSatisfy({ $0 == nil }) else { return }
        hasReportedDrained = true
        tellNode(.drained)
    }
}
