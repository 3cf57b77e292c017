internal import Bytes
internal import Histogram

/// The result of a run.
public struct Report: Sendable {
    /// The time from when a message was due until a subscriber had read it, in nanoseconds.
    struct Latency: Equatable {
        let p50: UInt64
        let p90: UInt64
        let p99: UInt64
        let p999: UInt64
        let maximum: UInt64

        var values: [(name: String, nanoseconds: UInt64)] {
            [("p50", p50), ("p90", p90), ("p99", p99), ("p99.9", p999), ("max", maximum)]
        }
    }

    var wantedConnections = 0
    var openedConnections = 0
    var lostConnections = 0
    var firstLoss: String?
    var connectNanoseconds: UInt64 = 0

    var published = 0
    var failed = 0
    var firstFailure: String?
    /// Nil unless messages were published at fixed times.
    var wantedPerSecond: Double?

    var expected = 0
    var arrived = 0
    var missing = 0
    /// Deliveries in excess of the messages that were sent.
    var surplus = 0
    var strays = 0

    /// From the end of the warm-up to the last delivery.
    var measuredNanoseconds: UInt64 = 0
    var measuredMessages = 0
    var measuredDeliveries = 0
    var measuredBytes = 0
    /// Nil if nothing that was measured has arrived.
    var latency: Latency?

    /// Why the run ended early.
    var failure: String?

    /// Why the run failed, in one line; nil if every published message arrived everywhere.
    public var problem: String? {
        var parts: [String] = []
        if let failure { parts.append(failure) }
        if missing > 0 {
            parts.append("\(Figures.grouped(missing)) of \(Figures.grouped(expected)) deliveries did not arrive")
        }
        if let firstLoss {
            let count = Figures.count(lostConnections, "connection was", "connections were")
            parts.append("\(count) lost, the first: \(firstLoss)")
        }
        if let firstFailure {
            let count = Figures.count(failed, "message was", "messages were")
            parts.append("\(count) not published, the first: \(firstFailure)")
        }
        if surplus > 0 { parts.append("\(Figures.count(surplus, "delivery", "deliveries")) too many") }
        return parts.isEmpty ? nil : parts.joined(separator: "; ")
    }

    init() {}

    /// Adds the counts of connections.
    mutating func count(
        _ plan: BenchPlan, _ subscribers: Subscribers, _ tally: Tally, connectNanoseconds: UInt64
    ) {
        wantedConnections = plan.connections
        openedConnections = subscribers.opened
        lostConnections = subscribers.lost
        firstLoss = subscribers.firstLoss
        self.connectNanoseconds = connectNanoseconds
        if case .rate(let perSecond) = plan.pace { wantedPerSecond = perSecond }
        count(tally)
        subscribers.forEachOpened { count(arrived: $1, of: tally.channels[$0]) }
    }

    /// Adds the counts of messages.
    mutating func count(_ tally: Tally) {
        published = tally.published
        failed = tally.failed
        firstFailure = tally.firstFailure
        strays = tally.strays
        let measured = tally.measured
        measuredMessages = measured.messages
        measuredDeliveries = measured.deliveries
        measuredBytes = measured.bytes
        guard measured.deliveries > 0 else { return }
        measuredNanoseconds = measured.lastNanoseconds - tally.measuredFromNanoseconds
        let histogram = measured.latencies
        latency = Latency(
            p50: histogram.valueAtPercentile(50), p90: histogram.valueAtPercentile(90),
            p99: histogram.valueAtPercentile(99), p999: histogram.valueAtPercentile(99.9),
            maximum: histogram.valueAtPercentile(100))
    }

    /// Adds the messages that a subscriber received of a channel.
    mutating func count(arrived count: Int, of channel: ChannelProgress) {
        expected += channel.acknowledged
        arrived += count
        missing += max(channel.acknowledged - count, 0)
        surplus += max(count - channel.sent, 0)
    }
}

extension Report {
    private var messagesPerSecond: Double { Figures.perSecond(measuredMessages, in: measuredNanoseconds) }
    private var deliveriesPerSecond: Double { Figures.perSecond(measuredDeliveries, in: measuredNanoseconds) }
    private var bytesPerSecond: Double { Figures.perSecond(measuredBytes, in: measuredNanoseconds) }
    private var connectsPerSecond: Double { Figures.perSecond(openedConnections, in: connectNanoseconds) }

    /// The report as a table of a few lines.
    public var table: String {
        (totals + measurements).map { name, text in
            name + String(repeating: " ", count: 13 - name.utf8.count) + text + "\n"
        }.joined()
    }

    private var totals: [(name: String, text: String)] {
        let grouped = Figures.grouped
        var connections = "\(grouped(openedConnections)) of \(grouped(wantedConnections)) opened"
        if openedConnections > 0 {
            connections += " in \(Figures.time(connectNanoseconds)) (\(Figures.rate(connectsPerSecond)))"
        }
        if lostConnections > 0 { connections += ", \(grouped(lostConnections)) lost" }
        var messages = "\(grouped(published)) published, \(grouped(failed)) failed"
        if let firstFailure { messages += " (the first: \(firstFailure))" }
        var deliveries = "\(grouped(expected)) expected, \(grouped(arrived)) arrived, \(grouped(missing)) lost"
        if surplus > 0 { deliveries += ", \(grouped(surplus)) too many" }
        if strays > 0 { deliveries += ", \(grouped(strays)) foreign" }
        return [("connections", connections), ("messages", messages), ("deliveries", deliveries)]
    }

    private var measurements: [(name: String, text: String)] {
        guard let latency else { return [] }
        let wanted = wantedPerSecond.map { " of \(Figures.rate($0)) wanted" } ?? ""
        let megabytes = Figures.fixed(bytesPerSecond / 1e6, decimals: 1)
        let percentiles = latency.values.map { "\($0.name) \(Figures.time($0.nanoseconds))" }
        return [
            ("measured", "\(Figures.time(measuredNanoseconds))"),
            ("throughput", "\(Figures.rate(messagesPerSecond)) messages\(wanted)"),
            ("", "\(Figures.rate(deliveriesPerSecond)) deliveries, \(megabytes) MB/s"),
            ("latency", percentiles.joined(separator: ", ")),
        ]
    }

    /// The report as one JSON object.
    public var json: [UInt8] {
        var connections = JSONObjectWriter()
        connections.member("wanted", wantedConnections)
        connections.member("opened", openedConnections)
        connections.member("lost", lostConnections)
        connections.member("seconds", raw: Report.number(Double(connectNanoseconds) / 1e9))
        connections.member("per_second", raw: Report.number(connectsPerSecond))
        var messages = JSONObjectWriter()
        messages.member("published", published)
        messages.member("failed", failed)
        messages.member("first_failure", raw: Report.text(firstFailure))
        var deliveries = JSONObjectWriter()
        deliveries.member("expected", expected)
        deliveries.member("arrived", arrived)
        deliveries.member("lost", missing)
        deliveries.member("too_many", surplus)
        deliveries.member("foreign", strays)
        var object = JSONObjectWriter()
        object.member("problem", raw: Report.text(problem))
        object.member("connections", raw: connections.finish())
        object.member("messages", raw: messages.finish())
        object.member("deliveries", raw: deliveries.finish())
        object.member("measured", raw: latency.map(measured) ?? Array("null".utf8))
        return object.finish()
    }

    private func measured(_ latency: Latency) -> [UInt8] {
        var milliseconds = JSONObjectWriter()
        for value in latency.values {
            milliseconds.member(value.name, raw: Report.number(Double(value.nanoseconds) / 1e6))
        }
        var object = JSONObjectWriter()
        object.member("seconds", raw: Report.number(Double(measuredNanoseconds) / 1e9))
        object.member("messages", measuredMessages)
        object.member("deliveries", measuredDeliveries)
        object.member("messages_per_second", raw: Report.number(messagesPerSecond))
        object.member("deliveries_per_second", raw: Report.number(deliveriesPerSecond))
        object.member("megabytes_per_second", raw: Report.number(bytesPerSecond / 1e6))
        object.member("latency_milliseconds", raw: milliseconds.finish())
        return object.finish()
    }

    private static func number(_ value: Double) -> [UInt8] { Array(Figures.fixed(value, decimals: 3).utf8) }

    private static func text(_ value: String?) -> [UInt8] {
        var text: [UInt8] = []
        if let value { JSON.appendString(value, to: &text) } else { text.append(contentsOf: "null".utf8) }
        return text
    }
}
