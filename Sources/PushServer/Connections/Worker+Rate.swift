internal import Access
internal import HTTP
internal import Protocols
internal import WSLoop
internal import WebSocket

/// What becomes of a client that asks for more than it may in a second.
public enum RateExcess: String, CaseIterable, Sendable {
    /// It is closed with 4429; a request is answered with 429.
    case close
    /// Each message or request too many is answered with an error and not acted on.
    case error
    /// Nothing more is read of it until the second is over.
    case pause
}

/// What a client has asked for in a second: a unit for each frame and request.
struct MessageRate {
    private static let windowTicks = UInt32(1000 / DeadlineWheel.tickMilliseconds)

    private var beginTick: UInt32 = 0
    private var spent: UInt32 = 0

    /// Counts more units; returns how many there were before in this second.
    mutating func spend(_ units: Int, at tick: UInt32) -> Int {
        if isOver(at: tick) { (beginTick, spent) = (tick, 0) }
        defer { spent = UInt32(clamping: Int(spent) + units) }
        return Int(spent)
    }

    /// Whether the second is over.
    func isOver(at tick: UInt32) -> Bool { tick - beginTick >= MessageRate.windowTicks }
}

// A client cannot fill a core: what it sends is counted, whatever it is.
extension Worker {
    /// A compressed message costs a unit more for each of so many bytes that came out of it.
    private static let inflatedBytesOfUnit = 1024

    /// Counts what a WebSocket client has sent; false if it comes too fast and must not be acted on.
    func admits(_ event: ConnectionMachine.Event, of connection: Connection) -> Bool {
        let isAdmitted =
            switch event {
            case .text(let message), .binary(let message): admits(units: units(of: message, connection), of: connection)
            case .ping, .pong, .fragment: admits(units: 1, of: connection)
            case .close: true
            }
        guard !isAdmitted else { return true }
        switch (event, state.configuration.rateExcess) {
        case (.pong, .error), (.fragment, .error): break  // nothing was asked for that could be refused
        default: refuseForRate(connection)
        }
        return false
    }

    /// Counts what a command asks for besides the frame that it came in; false if that is too much and has been told.
    func admits(further units: Int, of connection: Connection) -> Bool {
        guard units > 0, !admits(units: units, of: connection) else { return true }
        refuseForRate(connection)
        return false
    }

    private func refuseForRate(_ connection: Connection) {
        guard state.configuration.rateExcess != .error else {
            return reply(.refused(rateRefusal), to: [], of: connection)
        }
        fail(connection, .tooManyRequests, "too many messages", .tooManyMessages)
    }

    /// A hundred bytes can stand for many that have to be inflated, checked and parsed.
    private func units(of message: [UInt8], _ connection: Connection) -> Int {
        1 + (connection.machine?.inflates == true ? message.count / Worker.inflatedBytesOfUnit : 0)
    }

    /// Counts a request; false if it comes too fast, and has been answered so.
    ///
    /// Who may publish is trusted, and may do so as fast as it can.
    func admits(_ route: Route, of connection: Connection) -> Bool {
        if case .publish = route { return true }
        guard !admits(units: 1, of: connection) else { return true }
        if state.configuration.rateExcess == .close { connection.endsAfterResponse = true }
        var response = Response.error(.tooManyRequests, rateRefusal.message)
        response.addHeader("Retry-After", "1")
        respond(response, to: connection)
        return false
    }

    private func admits(units: Int, of connection: Connection) -> Bool {
        guard let limit = state.configuration.maxMessageRate else { return true }
        let slot = Int(connection.slot)
        while rates.count <= slot { rates.append(MessageRate()) }
        let before = rates[slot].spend(units, at: wheel.currentTick)
        guard state.configuration.rateExcess != .pause else {
            if before + units >= limit.value { pauseForRate(connection) }
            return true
        }
        guard before >= limit.value, isStopped(by: .messageRate) else { return true }
        counters.messagesOverRate += 1
        return false
    }

    /// Begins with nothing spent.
    func forgetRate(of connection: Connection) {
        if connection.slot < rates.count { rates[Int(connection.slot)] = MessageRate() }
    }

    private var rateRefusal: CommandRefusal { .tooManyMessages(limit: state.configuration.maxMessageRate?.value ?? 0) }

    private func pauseForRate(_ connection: Connection) {
        guard !connection.pause.contains(.overRate), isStopped(by: .messageRate) else { return }
        guard connection.phase == .http || connection.phase == .webSocket else { return }
        connection.pause.insert(.overRate)
        pausedForRate.append(connection.key)
    }

    /// Clients of whom enough was read in their second go on in the next one, in turns.
    func endPausesForRate() {
        while let key = pausedForRate.first {
            if let connection = connection(key), connection.pause.contains(.overRate) {
                guard rates[Int(key.slot)].isOver(at: wheel.currentTick) else { return }
                if !connection.pause.contains(.othersFirst) { pauseForOthers(connection) }
                connection.pause.remove(.overRate)
            }
            pausedForRate.removeFirst()
        }
    }
}
