internal import Channels
internal import HTTP
internal import Logging
internal import WSLoop
internal import WebSocket

/// What a connection was that had to be given up for the inbound budget.
enum InboundShed: Int, CaseIterable {
    case http, webSocket, handshake

    var label: String {
        switch self {
        case .http: "http"
        case .webSocket: "websocket"
        case .handshake: "handshake"
        }
    }
}

// The inbound budget: what peers make the process hold on its way in (docs/backpressure.md).
extension Worker {
    /// What OpenSSL holds for a handshake that has begun (measured: 54 KB).
    private static let handshakeBytes = 55_296

    /// Notes what a connection holds after its input was dealt with; gives connections up if that is too much.
    func noteHeld(_ connection: Connection) {
        if updateHeld(connection) { settleInbound() }
    }

    /// Notes what a connection holds, where nobody may be given up.
    ///
    /// - Returns: whether it holds something, or did.
    @discardableResult
    func updateHeld(_ connection: Connection) -> Bool {
        let held = connection.phase == .closed ? 0 : heldBytes(connection)
        guard held > 0 || connection.holdsInput else { return false }
        connection.holdsInput = held > 0
        inbound.set(held, of: connection.slot)
        return true
    }

    /// Tells the other workers what is held here, and gives up who holds most while all hold too much.
    func settleInbound() {
        let held = heldInboundBytes
        guard held != accountedInboundBytes || held > 0 else { return }
        let hasGrown = held > accountedInboundBytes
        let total = accountInbound(held)
        guard total > state.configuration.inboundBudgetBytes else { return }
        let budget = InboundBudget(bytes: state.configuration.inboundBudgetBytes, loops: state.workers)
        guard let target = budget.target(held: held, total: total) else {
            if hasGrown { wakeOthers() }
            return
        }
        shedInbound(downTo: target)
        _ = accountInbound(heldInboundBytes)
    }

    /// A loop that holds more than its share, and sleeps, learns that the budget is spent.
    private func wakeOthers() {
        for worker in 0..<state.workers where worker != index { post(.wakeUp, to: worker) }
    }

    private var heldInboundBytes: Int { inbound.bytes + hub.channelBytes }

    private func accountInbound(_ held: Int) -> Int {
        let change = held - accountedInboundBytes
        accountedInboundBytes = held
        return state.bytes.countInbound(change)
    }

    private func heldBytes(_ connection: Connection) -> Int {
        var bytes = connection.unread.capacity
        if let requests = connection.requests { bytes += requests.heldBytes }
        bytes += connection.machine?.heldBytes ?? 0
        if let secure = secureStream(connection.descriptor) {
            bytes += secure.session.isEstablished ? secure.session.heldInputBytes : Worker.handshakeBytes
        }
        if let pending = connection.pending {
            bytes += pending.channels.reduce(0) { $0 + Hub.bytes(ofChannelNamed: $1) }
        }
        return bytes
    }

    private func shedInbound(downTo target: Int) {
        for slot in inbound.largestFirst(adding: channelBytes()) {
            guard heldInboundBytes > target else { break }
            if let connection = connections[Int(slot)] { giveUp(connection) }
        }
        guard state.logLimits.inboundShed.admitsLine(atNanoseconds: Loop.monotonicNanoseconds) else { return }
        state.logger.warning("over budget: who makes the server hold most input is closed (--inbound-budget)")
    }

    /// What the channels of each connection hold.
    ///
    /// To find that out costs a walk through all connections, so they are left out while they are a small part of the budget.
    private func channelBytes() -> [UInt32: Int] {
        guard hub.channelBytes > state.configuration.inboundBudgetBytes / state.workers / 8 else { return [:] }
        var bytes: [UInt32: Int] = [:]
        for connection in connections {
            guard let connection, connection.phase == .webSocket else { continue }
            bytes[connection.slot] = hub.channelBytes(of: connection.slot)
        }
        return bytes
    }

    private func giveUp(_ connection: Connection) {
        if let secure = secureStream(connection.descriptor), !secure.session.isEstablished {
            counters.inboundShed[InboundShed.handshake.rawValue] += 1
            return close(connection)
        }
        switch connection.phase {
        case .http:
            counters.inboundShed[InboundShed.http.rawValue] += 1
            // An answer that is still to come must not be overtaken.
            guard connection.pending == nil else { return close(connection) }
            connection.endsAfterResponse = true
            respond(.unavailable("the server holds too much unfinished input (--inbound-budget)"), to: connection)
        case .webSocket:
            counters.inboundShed[InboundShed.webSocket.rawValue] += 1
            fail(connection, .tryAgainLater, "server over budget", .overBudget)
        case .proxyHeader:
            counters.inboundShed[InboundShed.handshake.rawValue] += 1
            close(connection)
        case .closing: close(connection)
        case .closed: break
        }
    }
}
