internal import RedisBridge
public import WSLoop
internal import WebSocket

/// A run: subscribers connect, messages are published and counted, and the result is a report.
public final class BenchRun {
    private enum Phase {
        case connecting, publishing, draining, closing
    }

    private static let maxPerTurn = 512
    private static let closingMilliseconds: UInt64 = 2000

    private let plan: BenchPlan
    private let loop: Loop
    private let run: RunID
    private let stamp: Stamp
    private let handles: RunHandles
    private let tally: Tally
    private let subscribers: Subscribers
    private let progress: (Progress) -> Void
    private var publisher: (any Publisher)?
    private var isPublisherReady = false
    private var pacing: Pacing?
    private var nextChannel = 0
    private var phase = Phase.connecting
    private var failure: String?
    private var meter = Meter(atNanoseconds: Loop.monotonicNanoseconds)
    private var report = Report()

    /// Runs the plan on the calling thread.
    ///
    /// - Parameters:
    /// - signals: end the run early with a report so far; a second signal ends it at once.
    /// - progress: called every second with the progress.
    public static func run(
        _ plan: BenchPlan, endingOn signals: [Int32], progress: @escaping (Progress) -> Void
    ) throws(SystemError) -> Report {
        SystemLimits.ignoreBrokenPipes()
        let loop = try Loop()
        defer { loop.close() }
        let run = try BenchRun(plan, on: loop, signals: signals, progress: progress)
        defer { run.close() }
        run.start()
        loop.run()
        return run.report
    }

    private init(
        _ plan: BenchPlan, on loop: Loop, signals: [Int32], progress: @escaping (Progress) -> Void
    ) throws(SystemError) {
        self.plan = plan
        self.loop = loop
        self.progress = progress
        run = RunID()
        stamp = Stamp(run: run)
        tally = Tally(channels: plan.channels)
        handles = try RunHandles(on: loop, signals: signals)
        do throws(SystemError) {
            subscribers = try Subscribers(plan, run: run, tally: tally, on: loop)
        } catch {
            handles.close()
            throw error
        }
    }

    private func start() {
        handles.turnEnd.onEvent { [unowned self] in turnEnded() }
        handles.second.onEvent { [unowned self] in secondPassed() }
        handles.second.start(afterMilliseconds: 1000, everyMilliseconds: 1000)
        // The timer only wakes the loop; due messages are published at the end of the turn.
        handles.due.onEvent {}
        handles.deadline.onEvent { [unowned self] in if phase == .closing { loop.stop() } }
        for signal in handles.signals { signal.onEvent { [unowned self] in interrupt() } }
        NameLookup.start(plan.url.host, port: plan.url.port, on: loop) { [self] result in
            guard phase == .connecting, failure == nil else { return }
            meter.connecting(atNanoseconds: Loop.monotonicNanoseconds)
            switch result {
            case .success(let addresses): subscribers.start(at: addresses)
            case .failure(let error): failure = "\(error)"
            }
        }
    }

    private func close() {
        publisher?.close()
        subscribers.stop()
        handles.close()
    }

    private func interrupt() {
        switch phase {
        case .connecting: failure = "interrupted before anything was published"
        case .publishing: phase = .draining
        case .draining: conclude()
        case .closing: loop.stop()
        }
    }

    private func secondPassed() {
        guard phase != .closing else { return }
        let now = Loop.monotonicNanoseconds
        note(now)
        tellProgress(now)
        guard meter.quietNanoseconds(atNanoseconds: now) >= plan.patience.nanoseconds else { return }
        let patience = Figures.fixed(Double(plan.patience.nanoseconds) / 1e9, decimals: 0)
        failure = failure ?? subscribers.refusal ?? "nothing has arrived for \(patience) s"
        conclude()
    }

    /// Acts on everything that happened in a turn, at its end.
    private func turnEnded() {
        let now = Loop.monotonicNanoseconds
        note(now)
        if phase == .connecting { connect() }
        if phase == .publishing { publish() }
        if phase == .draining, tally.underWay == 0 || areAllLost { conclude() }
        if phase == .closing, subscribers.sockets == 0 { loop.stop() }
    }

    private func note(_ now: UInt64) {
        let isWaiting = phase == .connecting || tally.underWay > 0
        meter.note(
            opened: subscribers.opened, deliveries: tally.deliveries, failed: tally.failed, isWaiting: isWaiting,
            atNanoseconds: now)
    }

    private func tellProgress(_ now: UInt64) {
        let flow = meter.flow(
            messages: tally.published, deliveries: tally.deliveries, underWay: tally.underWay, atNanoseconds: now)
        progress(
            Progress(
                seconds: meter.seconds(atNanoseconds: now), wantedConnections: plan.connections,
                openedConnections: subscribers.opened, flow: phase == .connecting ? nil : flow))
    }

    private var areAllLost: Bool { subscribers.lost == subscribers.opened }

    // MARK: Connecting

    private func connect() {
        subscribers.openMore()
        if subscribers.lost > 0 { failure = failure ?? "a subscriber was lost before all were connected" }
        // Wait for pending handshakes, so that the report shows how many the server accepted.
        if subscribers.handshakes == 0 { failure = failure ?? subscribers.refusal }
        if failure == nil, subscribers.opened == plan.connections, publisher == nil { startPublisher() }
        if failure != nil {
            conclude()
        } else if isPublisherReady {
            startPublishing()
        }
    }

    private func startPublisher() {
        guard let address = subscribers.address else { return }
        let names = (0..<plan.channels).map { plan.channelName($0, run: run) }
        do throws(SystemError) {
            let publisher: any Publisher
            switch plan.route {
            case .http(let key):
                publisher = try HTTPPublisher(
                    on: loop, address: address, security: plan.security,
                    heads: names.map { plan.publishHead(channel: $0, key: key) },
                    limit: plan.publisherLimit, owner: self)
            case .redis(let endpoint, let prefix):
                publisher = try RedisPublisher(
                    on: loop, endpoint: endpoint, channels: names.map { Array((prefix + $0).utf8) },
                    messageBytes: plan.messageBytes, owner: self)
            }
            self.publisher = publisher
            publisher.start()
        } catch {
            failure = "\(error)"
        }
    }

    // MARK: Publishing

    private func startPublishing() {
        let pacing = Pacing(plan, startNanoseconds: Loop.monotonicNanoseconds)
        self.pacing = pacing
        tally.measure(fromNanoseconds: pacing.measuredFromNanoseconds)
        if let end = pacing.endNanoseconds {
            let nanoseconds = end - pacing.startNanoseconds
            handles.deadline.start(afterMilliseconds: nanoseconds / 1_000_000 + 1)
        }
        phase = .publishing
    }

    private func publish() {
        if areAllLost { failure = failure ?? "no subscriber is left" }
        for _ in 0..<BenchRun.maxPerTurn {
            guard failure == nil, let publisher else { return phase = .draining }
            let now = Loop.monotonicNanoseconds
            guard publisher.hasRoom || pacing?.isOver(atNanoseconds: now) == true else { return }
            switch pacing?.next(atNanoseconds: now, underWay: tally.underWay) {
            case .publish(let time): publish(on: publisher, dueNanoseconds: time)
            case .wait(let time): return handles.due.start(atNanoseconds: time)
            case .waitForArrival: return
            case .finished, nil: return phase = .draining
            }
        }
        // Publish in batches, so that messages are read in between.
        handles.due.start(atNanoseconds: 1)
    }

    private func publish(on publisher: any Publisher, dueNanoseconds time: UInt64) {
        let channel = nextChannel
        nextChannel = channel + 1 == plan.channels ? 0 : channel + 1
        var message: [UInt8] = []
        message.reserveCapacity(plan.messageBytes)
        stamp.appendBody(atNanoseconds: time, byteCount: plan.messageBytes, to: &message)
        tally.sent(channel)
        publisher.publish(message, Publication(channel: channel, dueNanoseconds: time))
    }

    // MARK: The end

    /// Makes the report of everything so far and starts to close the connections.
    private func conclude() {
        guard phase != .closing else { return }
        phase = .closing
        report.count(plan, subscribers, tally, connectNanoseconds: meter.connectNanoseconds)
        report.failure = failure
        publisher?.close()
        publisher = nil
        subscribers.close()
        handles.deadline.start(afterMilliseconds: BenchRun.closingMilliseconds)
    }
}

extension BenchRun: PublisherOwner {
    func publisherReady() { isPublisherReady = true }

    func published(_ publication: Publication, failure: PublishFailure?) {
        tally.answered(publication, failure: failure?.text)
        if failure?.isFinal == true { self.failure = self.failure ?? "publishing was refused" }
    }

    func publisherFailed(_ problem: String) { failure = failure ?? problem }
}

@available(*, unavailable)
extension BenchRun: Sendable {}
