/// Decides when the next message is published; has no clock, but gets the time as a parameter.
struct Pacing {
    /// What to do next.
    enum Step: Equatable {
        /// Publish a message now; its latency counts from this time.
        case publish(atNanoseconds: UInt64)
        /// Publish nothing before this time.
        case wait(untilNanoseconds: UInt64)
        /// Publish nothing until something has arrived.
        case waitForArrival
        case finished
    }

    /// Messages due from this time on are measured.
    let measuredFromNanoseconds: UInt64
    /// Nothing due after this time is published; nil if the number of messages is fixed.
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

    /// Whether no more messages will be published.
    ///
    /// At a fixed rate, a message that was due within the duration is published even if it is late.
    func isOver(atNanoseconds now: UInt64) -> Bool {
        guard issued < limit, let endNanoseconds else { return issued >= limit }
        return switch pace {
        case .inFlight: now >= endNanoseconds
        case .rate(let perSecond): dueNanoseconds(perSecond) >= endNanoseconds
        }
    }

    /// The next step at this time; after `publish` one more message counts as published.
    ///
    /// - Parameter underWay: the messages that have not arrived at every subscriber.
    mutating func next(atNanoseconds now: UInt64, underWay: Int) -> Step {
        guard !isOver(atNanoseconds: now) else { return .finished }
        var time = now
        switch pace {
        case .inFlight(let count):
            guard underWay < count else { return .waitForArrival }
        case .rate(let perSecond):
            // If earlier messages delay a message, the delay is part of its latency. Otherwise a server that stalls
            // would get fewer messages just then (coordinated omission).
            time = dueNanoseconds(perSecond)
            guard time <= now else { return .wait(untilNanoseconds: time) }
        }
        issued += 1
        return .publish(atNanoseconds: time)
    }

    /// The time when the next message is due.
    private func dueNanoseconds(_ perSecond: Double) -> UInt64 {
        startNanoseconds + UInt64(Double(issued) * 1e9 / perSecond)
    }
}

extension Duration {
    /// The duration in nanoseconds; a plan's durations are neither negative nor centuries long.
    var nanoseconds: UInt64 {
        let (seconds, attoseconds) = components
        return UInt64(seconds) * 1_000_000_000 + UInt64(attoseconds / 1_000_000_000)
    }
}
