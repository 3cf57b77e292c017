internal import Channels
internal import HTTP
internal import Logging
internal import WSLoop

/// The kind of connection that was closed because of the inbound budget.
enum InboundShed: Int, CaseIterable {
    case http, webSocket, handshake, stream

    var label: String {
        switch self {
        case .http: "http"
        case .webSocket: "websocket"
        case .handshake: "handshake"
        case .stream: "stream"
        }
    }
}

/// Gives connections up while peers make the server hold more than `--inbound-budget`.
final class InboundShedding {
    private let context: LoopContext
    private let table: ConnectionTable
    private let links: SecureLinks
    private let inbound: InboundAccount
    private let closing: Closing
    private let http: HTTPExchange
    private let webSockets: WebSocketExchange

    init(
        _ context: LoopContext, _ table: ConnectionTable, _ links: SecureLinks, _ inbound: InboundAccount,
        _ closing: Closing, _ http: HTTPExchange, _ webSockets: WebSocketExchange
    ) {
        self.context = context
        self.table = table
        self.links = links
        self.inbound = inbound
        self.closing = closing
        self.http = http
        self.webSockets = webSockets
    }

    /// Notes what a connection holds after its input was handled; closes connections if the total is too much.
    func noteHeld(_ connection: Connection) {
        if inbound.update(connection) { settle() }
    }

    /// Tells the other loops what is held here, and gives up the connections that hold most while all loops hold too
    /// much.
    func settle() {
        let held = inbound.heldBytes
        guard held != inbound.accountedBytes || held > 0 else { return }
        let hasGrown = held > inbound.accountedBytes
        let total = inbound.account(held)
        let budget = context.settings.configuration.inboundBudgetBytes
        guard total > budget else { return }
        guard let target = InboundBudget(bytes: budget, loops: context.state.workers).target(held: held, total: total)
        else {
            if hasGrown { wakeOthers() }
            return
        }
        shed(downTo: target)
        _ = inbound.account(inbound.heldBytes)
    }

    /// Wakes the other loops: a sleeping loop that holds more than its share must notice that the budget is exceeded.
    private func wakeOthers() {
        for worker in 0..<context.state.workers where worker != context.index { context.post(.wakeUp, to: worker) }
    }

    private func shed(downTo target: Int) {
        for slot in inbound.largestFirst(adding: channelBytes()) {
            guard inbound.heldBytes > target else { break }
            if let connection = table[slot] { giveUp(connection) }
        }
        guard context.state.logLimits.inboundShed.admitsLine(atNanoseconds: Loop.monotonicNanoseconds) else { return }
        context.state.logger.warning("over budget: the connections that hold most input are closed (--inbound-budget)")
    }

    /// The bytes that the channels of each connection take.
    ///
    /// Computing this requires a walk over all connections, so it is left out while channels are a small part of the
    /// budget.
    private func channelBytes() -> [UInt32: Int] {
        let hub = context.hub
        guard hub.channels.bytes > context.settings.configuration.inboundBudgetBytes / context.state.workers / 8 else {
            return [:]
        }
        var bytes: [UInt32: Int] = [:]
        for connection in table.all where connection.phase.isSubscribed {
            bytes[connection.slot] = hub.channelBytes(of: connection.slot)
        }
        return bytes
    }

    private func giveUp(_ connection: Connection) {
        if let secure = links.stream(connection.descriptor), !secure.session.isEstablished {
            count(.handshake)
            return closing.close(connection)
        }
        switch connection.phase {
        case .http:
            count(.http)
            // The refusal must not overtake a pending response.
            guard connection.continuation == nil else { return closing.close(connection) }
            http.refuse(.unavailable("the server holds too much unfinished input (--inbound-budget)"), connection)
        case .webSocket:
            count(.webSocket)
            webSockets.fail(connection, .overBudget)
        case .streaming:
            count(.stream)
            webSockets.fail(connection, .overBudget)
        case .proxyHeader:
            count(.handshake)
            closing.close(connection)
        case .closing: closing.close(connection)
        case .closed: break
        }
    }

    private func count(_ kind: InboundShed) {
        context.counters.inboundShed[kind.rawValue] += 1
    }
}
