internal import Access
internal import Broker
internal import Bytes
internal import Channels
internal import Logging
internal import WSLoop

/// One event loop with its connections, its hub and its share of the channels' subscribers.
///
/// In a turn of the loop, ready sockets are read, requests and frames are handled, and publishes only mark channels.
/// Before the loop sleeps, `endTurn` takes the messages of other loops and writes once to every marked connection.
final class Worker {
    let context: LoopContext
    let connections: Connections
    let commands: CommandRunner
    private let router: Router
    private let calls: Calls
    private let callRunner: CallRunner
    private let review: Review
    private let tracer: Tracer
    private let traces: TraceStreams
    private let outboxes: OutboxBudget
    /// Only on the worker that `NodeMessage.worker` names.
    var node: (any NodeMessageHandler)?
    private var pacer: FlushPacer
    private var wakeTimer: FineTimer?
    /// What the timer is set to; `.max` when it has fired.
    private var wakeNanoseconds = UInt64.max
    private var handles: [Handle] = []
    private var lastTickNanoseconds = Loop.monotonicNanoseconds

    /// Makes the worker and its loop without running anything.
    init(index: Int, state: ServerState) throws(SystemError) {
        // Made before the loop: an initialiser that throws later could not close it.
        let sender = try state.configuration.io.sender(
            logger: state.logger, explains: index == NodeMessage.worker)
        context = try LoopContext(index: index, state: state)
        connections = Connections(context, sender)
        commands = CommandRunner(context, connections)
        calls = Calls(context)
        callRunner = CallRunner(context, connections, commands)
        review = Review(context, connections, commands)
        tracer = Tracer(context, connections)
        traces = TraceStreams(context, connections, commands)
        router = Router(context, connections, commands, calls, traces)
        outboxes = OutboxBudget(context, connections.links)
        pacer = FlushPacer(context.settings.configuration.pacing)
        connections.http.attach(router)
        connections.webSockets.attach(commands)
        connections.closing.attach(commands)
    }

    /// Opens what the loop needs.
    func open() throws(SystemError) {
        try connections.open()
        let wakeTimer = try FineTimer(on: context.loop)
        wakeTimer.onEvent { [unowned self] in wakeNanoseconds = .max }  // it only ends a turn
        self.wakeTimer = wakeTimer
        let ticker = try Timer(on: context.loop)
        ticker.onEvent { [unowned self] in tick() }
        let milliseconds = DeadlineWheel.tickMilliseconds
        ticker.start(afterMilliseconds: milliseconds, everyMilliseconds: milliseconds)
        keep(ticker)
        try context.inbox.open(on: context.loop) {}
    }

    /// Runs until the server ends.
    func run() throws(SystemError) {
        // libuv runs the hook that was started last first. The broker's, which sends what a turn has requested, must
        // run after this hook.
        let hook = try BeforeSleepHook(on: context.loop)
        hook.onEvent { [unowned self] in endTurn() }
        keep(hook)
        context.loop.run()
    }

    /// Closes everything; the loop checks that no handle is left.
    func close() {
        connections.close()
        for message in context.inbox.takeAll() {
            if case .adopt(let stream, _, _) = message { Socket.close(stream.descriptor) }
        }
        context.inbox.close()
        for handle in handles { handle.close() }
        wakeTimer?.close()
        context.loop.close()
    }

    /// Registers a handle to be closed with the worker.
    func keep(_ handle: Handle) {
        handles.append(handle)
    }

    // MARK: - A turn

    private func endTurn() {
        context.isEndingTurn = true
        deliverDue()
        for message in context.inbox.takeAll() { handle(message) }
        connections.endTurn()
        context.publishCounters(connections.held)
        flush()
        context.countFlush()
        outboxes.settle()
        connections.actOnHubEvents()
        context.publishCounters(connections.held)
        context.isEndingTurn = false
    }

    private func handle(_ message: WorkerMessage) {
        switch message {
        case .node(let message): node?.handle(message)
        case .deliver(let message):
            deliver(message)
            context.tracer?.note(message)
        case .adopt(let stream, let peer, let tls): connections.adopt(stream, peer, tls)
        case .wakeUp: break
        case .ready(let channel): commands.confirm(channel)
        case .gap(let channel, let milliseconds):
            context.hub.tell(.gap(seconds: Double(milliseconds) / 1000), of: channel)
        case .lost(let channel, let position): context.hub.tell(.lost(next: position), of: channel)
        case .published(let ticket, let outcome): commands.published(ticket, outcome)
        case .read(let key, let readings): commands.read(key, readings)
        case .presence(let batches): context.presence?.tell(batches)
        case .subscriptions(let counts):
            for (channel, count) in counts { context.hub.tell(.subscriptions(count: count), of: channel.text) }
        case .call(let call, let ticket): callRunner.take(call, ticket)
        case .runCalls: callRunner.run()
        case .trace(let change): tracer.change(change)
        case .traced(let number, let report): traces.take(report, of: number)
        case .answered(let number, let listing): calls.answered(number, listing)
        case .settled(let reply): commands.settled(reply)
        case .keysSettled: commands.keysSettled()
        case .settings(let settings): take(settings)
        case .keys(let settings): context.settings = settings
        case .review: review.run()
        case .serveWaiting: connections.input.serveWaiting()
        case .closeIdle: connections.idle.closeSome()
        case .drain: connections.drain.begin()
        case .stop: context.loop.stop()
        }
    }

    /// From here on everything on this loop goes by other settings.
    private func take(_ settings: LiveSettings) {
        let old = context.settings
        context.settings = settings
        context.hub.setLimits(
            outboxLimitBytes: settings.configuration.outboxLimitBytes, policies: settings.policies)
        if settings.configuration.pacing != old.configuration.pacing {
            pacer = FlushPacer(settings.configuration.pacing)
        }
        review.begin(after: old)
    }

    private func deliver(_ message: Message) {
        guard message.intervalNanoseconds == 0 || !context.hub.hold(message, at: Loop.monotonicNanoseconds) else {
            return
        }
        deliver(message, joined: [])
    }

    /// Delivers a message now, but not to those that have joined after it was published.
    private func deliver(_ message: Message, joined: [UInt32]) {
        let excluded = message.excluded.flatMap { excluded -> UInt32? in
            let key = StreamKey(slot: excluded.slot, generation: excluded.generation)
            return excluded.loop == context.index && connections.table[key] != nil ? excluded.slot : nil
        }
        guard excluded != nil || !joined.isEmpty else { return context.hub.deliver(message) }
        context.hub.deliver(message, except: joined + [excluded].compactMap(\.self))
    }

    /// Delivers what channels with intervals have held until now.
    private func deliverDue() {
        guard let due = context.hub.nextDueNanoseconds else { return }
        let now = Loop.monotonicNanoseconds
        guard due <= now else { return }
        for (message, joined) in context.hub.takeDue(at: now) { deliver(message, joined: joined) }
    }

    private func flush() {
        let hub = context.hub
        let start = Loop.monotonicNanoseconds
        hub.flush(holdingBusy: pacer.isResting(at: start))
        if hub.busyChannelsFlushed > 0 { pacer.flushed(from: start, to: Loop.monotonicNanoseconds) }
        wake(at: min(hub.holdsChannels ? pacer.restEndNanoseconds : .max, hub.nextDueNanoseconds ?? .max))
    }

    /// Has another turn begin at a time, besides those that events begin; `.max` for none.
    private func wake(at nanoseconds: UInt64) {
        guard nanoseconds != .max, nanoseconds != wakeNanoseconds else { return }
        wakeNanoseconds = nanoseconds
        wakeTimer?.start(atNanoseconds: nanoseconds)
    }

    private func tick() {
        context.state.boards.beat(context.index)
        observeLag()
        connections.tick()
        calls.tick()
        context.tracer?.tick()
        traces.tick()
        node?.tick()
    }

    /// The delay of the ticker shows how long the loop was busy.
    private func observeLag() {
        let now = Loop.monotonicNanoseconds
        let late = Int64(now - lastTickNanoseconds) - Int64(DeadlineWheel.tickMilliseconds) * 1_000_000
        context.counters.loopLag.observe(seconds: Double(max(late, 0)) / 1e9)
        lastTickNanoseconds = now
    }
}
