/// Decides when the next message is published; knows no clock, but is told the time.
struct Pacing {
    /// What is to be done.
    enum Step: Equatable {
        /// Publish one now; its latency counts from this time on.
        case publish(atNanoseconds: UInt64)
        /// There is nothing to publish before this time.
        case wait(untilNanoseconds: UInt64)
        /// There is nothing to publish before something has arrived.
        case waitForArrival
        case finished
    }

    /// Messages that are due from then on are measured.
    let measuredFromNanoseconds: UInt64
    /// Nothing that is due later is published; nil if the messages are counted.
    let endNanoseconds: UInt64?
    let startNanoseconds: UInt64
    private let pace: BenchPlan.Pace
    private let limit: Int
    private var issued = 0

    init(_ plan: BenchPlan, startNanoseconds: UInt64) {
        pace = plan.pace
        self.startNanoseconds = startNanoseconds
        measuredFromNanoseconds = startNanoseconds + plan.warmUp.nanoseconds
        switch plan.extent {
        case .messages(let count):
            limit = count
            endNanoseconds = nil
        case .duration(let duration):
            limit = .max
            endNanoseconds = measuredFromNanoseconds + duration.nanoseconds
        }
    }

    /// Whether nothing more is to be published.
    ///
    /// At a rate, a message that was due within the duration is published however late it is.
    func isOver(atNanoseconds now: UInt64) -> Bool {
        guard issued < limit, let endNanoseconds else { return issued >= limit }
        return switch pace {
        case .inFlight: now >= endNanoseconds
        case .rate(let perSecond): dueNanoseconds(perSecond) >= endNanoseconds
        }
    }

    /// The next step at that time; after `publish` one message more counts as published.
    ///
    /// - Parameter underWay: the messages that have not arrived everywhere.
    mutating func next(atNanoseconds now: UInt64, underWay: Int) -> Step {
        guard !isOver(atNanoseconds: now) else { return .finished }
        var time = now
        switch pace {
        case .inFlight(let count):
            guard underWay < count else { return .waitForArrival }
        case .rate(let perSecond):
            // A message is late if the ones before it held it up, and the delay is a part of its latency: or else a server
            // that stalls would be asked less often, just then (coordinated omission).
            time = dueNanoseconds(perSecond)
            guard time <= now else { return .wait(untilNanoseconds: time) }
        }
        issued += 1
        return .publish(atNanoseconds: time)
    }

    /// When the next message is due.
    private func dueNanoseconds(_ perSecond: Double) -> UInt64 {
        startNanoseconds + UInt64(Double(issued) * 1e9 / perSecond)
    }
}

extension Duration {
    /// The duration in nanoseconds; durations of a plan are not negative and shorter than centuries.
    var nanoseconds: UInt64 {
        let (seconds, attoseconds) = components
        return UInt64(seconds) * 1_000_000_000 + UInt64(attoseconds / 1_000_000_000)
    }
}
