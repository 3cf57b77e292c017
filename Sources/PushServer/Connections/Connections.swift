internal import Access
internal import Channels
internal import HTTP
internal import Logging
internal import Protocols
internal import WSLoop

/// The connections of one loop: takes them over, and passes their events to the parts of this folder.
final class Connections {
    /// Messages that a publisher sends together are published together; with 64 KiB, a delivery of large ones costs a
    /// third more.
    private static let readBufferBytes = 262_144

    private let context: LoopContext
    let table: ConnectionTable
    let lives: ConnectionLives
    let links: SecureLinks
    let limits: ConnectionLimits
    let addresses: ClientAddresses
    let users = Users()
    let sessions: Sessions
    let headers: KeptHeaders
    let closing: Closing
    let http: HTTPExchange
    let webSockets: WebSocketExchange
    let streams: StreamExchange
    let input: Input
    let drain: Drain
    let idle: IdleConnections
    private let inbound: InboundAccount
    private let rates: MessageRates
    private let turns: TurnQueue
    private let shedding: InboundShedding
    private let proxyHeaders: ProxyHeaders
    private let writer: LinkWriter
    private let requestLimits: RequestParser.Limits

    init(_ context: LoopContext, _ sender: any Sender) {
        self.context = context
        let buffer = ReadBuffer(byteCount: Connections.readBufferBytes)
        table = ConnectionTable(context.hub)
        lives = ConnectionLives(context, table)
        links = SecureLinks(context, lives)
        writer = LinkWriter(context, links, lives, sender)
        limits = ConnectionLimits(context)
        addresses = ClientAddresses(context)
        rates = MessageRates(context, table)
        sessions = Sessions(context)
        turns = TurnQueue(context, table)
        headers = KeptHeaders(context)
        inbound = InboundAccount(context, links, headers)
        closing = Closing(context, table, lives, links, inbound, limits, addresses, users, sessions, rates)
        streams = StreamExchange(context, lives, closing, rates)
        webSockets = WebSocketExchange(context, table, lives, closing, rates, users, sessions, streams)
        http = HTTPExchange(context, lives, closing, rates, addresses, webSockets, streams)
        shedding = InboundShedding(context, table, links, inbound, closing, http, webSockets)
        proxyHeaders = ProxyHeaders(context, lives, links, limits, addresses, shedding, closing, http, buffer)
        let handshakes = TLSHandshakes(context, table, links, closing, http, buffer)
        input = Input(
            context, table, lives, links, closing, inbound, shedding, turns, http, webSockets, streams, handshakes,
            proxyHeaders, buffer)
        drain = Drain(context, table, closing, webSockets)
        idle = IdleConnections(context, table, closing)
        requestLimits = RequestParser.Limits(bodyBytes: context.settings.configuration.maxPublishBytes)
        context.hub.attach(writer)
        context.events = EventNotes(context, table, users, addresses)
        context.presence = LoopPresence(context, users)
    }

    /// Opens what the loop watches sockets with.
    func open() throws(SystemError) {
        try table.open(on: context.loop, delegate: input)
    }

    /// Ends all connections at once.
    func close() {
        for connection in table.all { closing.close(connection) }
        table.close()
        drain.close()
    }

    /// Takes over a client, with TLS if there is a context.
    func adopt(_ stream: AcceptedStream, _ peer: Peer, _ tls: TLSContext?) {
        let connection = Connection(
            descriptor: stream.descriptor, peer, table.takeSlot(for: stream.descriptor),
            ConnectionLife(isProxied: peer.contains(.proxied), at: context.tick, context.settings.timeouts),
            RequestReader(limits: requestLimits))
        if !peer.contains(.proxied) { limits.noteSocket(of: connection, from: stream.peer.ip) }
        do throws(SystemError) {
            try table.insert(connection)
        } catch {
            context.state.logger.warning("client refused", metadata: ["error": "\(error)"])
            limits.release(connection)
            Socket.close(stream.descriptor)
            context.state.boards.countStream(-1, on: context.index)
            return
        }
        if let tls, !links.begin(connection, with: tls) { return closing.close(connection) }
        lives.follow(connection)
        if tls != nil { shedding.noteHeld(connection) }
        guard connection.phase != .closed else { return }
        input.read(connection)
        if connection.isSilent, links.stream(connection.descriptor)?.hasBegun != true {
            lives.tell(
                .deferred(ticks: UInt32(stream.deferralMilliseconds / DeadlineWheel.tickMilliseconds)), connection)
        }
    }

    /// Moves on by one tick: acts on deadlines and ends pauses.
    func tick() {
        http.tick()
        lives.advance { perform($0, $1) }
        rates.endPauses(turns)
    }

    /// The part of a turn's end that comes before its bytes are written.
    func endTurn() {
        input.endTurn()
        shedding.settle()
    }

    /// Bytes that peers make the loop hold, as the other loops know them, and encrypted bytes that wait for the kernel.
    var held: (inbound: Int, encrypted: Int) { (inbound.accountedBytes, links.unsentBytes) }

    /// Handles the events of the last flush.
    ///
    /// Output that this queues is written in the next turn, which begins at once, after the sockets that are ready by
    /// then.
    func actOnHubEvents() {
        while let (slot, event) = context.hub.nextEvent() {
            guard let connection = table[slot] else { continue }
            switch event {
            case .blocked:
                lives.waitForRoom(connection)
                context.tracer?.note(.blocked(queuedBytes: context.hub.queuedBytes(of: slot)), of: connection)
            case .dropped(let count): context.tracer?.note(.dropped(messages: count), of: connection)
            case .drained: input.drained(connection)
            case .lost(let reason): perform(lives.tell(.lost(reason), connection), connection)
            }
        }
        if context.hub.hasMarked { context.post(.wakeUp) }
    }

    /// Performs an action of a connection's life.
    private func perform(_ action: ConnectionLife.Action, _ connection: Connection) {
        switch action {
        case .ping: webSockets.ping(connection)
        case .comment: streams.comment(connection)
        case .answerRequestTimeout:
            http.refuse(.error(.requestTimeout, "the request did not arrive in time"), connection)
        case .refuseProxy: proxyHeaders.timedOut(connection)
        case .announceExpiry(let seconds): webSockets.tell(.expiring(seconds: seconds), connection)
        case .sendClose(let reason): webSockets.fail(connection, reason)
        case .none, .endBehindQueue, .endOutput, .shutdownWrites, .close: closing.perform(action, connection)
        }
    }
}
