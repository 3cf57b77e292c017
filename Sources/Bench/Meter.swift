/// A run's progress so far.
public struct Progress: Equatable, Sendable {
    let seconds: Int
    let wantedConnections: Int
    let openedConnections: Int
    /// Nil while connections are being opened.
    let flow: Flow?

    /// The traffic since the last progress.
    struct Flow: Equatable, Sendable {
        let messagesPerSecond: Double
        let deliveriesPerSecond: Double
        let messages: Int
        let underWay: Int
    }

    /// One line, without a line feed.
    public var line: String {
        guard let flow else {
            let opened = Figures.grouped(openedConnections)
            return "\(seconds) s: \(opened) of \(Figures.grouped(wantedConnections)) connections opened"
        }
        let total = Figures.count(flow.messages, "message", "messages")
        let rates = "\(Figures.rate(flow.messagesPerSecond)), \(Figures.rate(flow.deliveriesPerSecond)) deliveries"
        return "\(seconds) s: \(total), now \(rates), \(Figures.grouped(flow.underWay)) under way"
    }
}

/// Measures the progress of a run.
struct Meter {
    private var startNanoseconds: UInt64 = 0
    private var openedNanoseconds: UInt64 = 0
    private var opened = 0
    private var deliveries = 0
    private var failed = 0
    /// The time since which nothing that is expected has arrived.
    private var quietSinceNanoseconds: UInt64
    private var last: (nanoseconds: UInt64, messages: Int, deliveries: Int)
    private let beginNanoseconds: UInt64

    init(atNanoseconds now: UInt64) {
        beginNanoseconds = now
        quietSinceNanoseconds = now
        last = (now, 0, 0)
    }

    /// How long opening the connections took.
    var connectNanoseconds: UInt64 { openedNanoseconds - min(startNanoseconds, openedNanoseconds) }

    /// Notes that the first connection is being opened.
    mutating func connecting(atNanoseconds now: UInt64) { startNanoseconds = now }

    /// Updates the counts.
    ///
    /// Refused messages do not count as an arrival: a server that refuses all of them makes no progress.
    mutating func note(opened: Int, deliveries: Int, failed: Int, isWaiting: Bool, atNanoseconds now: UInt64) {
        if opened != self.opened { openedNanoseconds = now }
        let hasCome = opened != self.opened || deliveries != self.deliveries
        guard hasCome || (!isWaiting && failed == self.failed) else { return }
        quietSinceNanoseconds = now
        self.opened = opened
        self.deliveries = deliveries
        self.failed = failed
    }

    /// How long nothing that is expected has arrived.
    func quietNanoseconds(atNanoseconds now: UInt64) -> UInt64 { now - quietSinceNanoseconds }

    /// The traffic since the last call.
    mutating func flow(
        messages: Int, deliveries: Int, underWay: Int, atNanoseconds now: UInt64
    ) -> Progress.Flow {
        let nanoseconds = now - last.nanoseconds
        defer { last = (now, messages, deliveries) }
        return Progress.Flow(
            messagesPerSecond: Figures.perSecond(messages - last.messages, in: nanoseconds),
            deliveriesPerSecond: Figures.perSecond(deliveries - last.deliveries, in: nanoseconds), messages: messages,
            underWay: underWay)
    }

    /// Seconds since the run began, rounded.
    func seconds(atNanoseconds now: UInt64) -> Int { Int((now - beginNanoseconds + 500_000_000) / 1_000_000_000) }
}
