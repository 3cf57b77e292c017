internal import Access
internal import Bytes
internal import Channels
internal import WSLoop
internal import WebSocket

/// What becomes of a client that sends more messages than it may.
public enum RateExcess: String, CaseIterable, Sendable {
    /// It is closed with 4429.
    case close
    /// Each message too many is answered with an error and not acted on.
    case error
}

/// How many messages a client has sent in a second.
struct MessageRate {
    private static let windowTicks = UInt32(1000 / Worker.tickMilliseconds)

    var beginTick: UInt32
    private var messages = 0

    init(beginTick: UInt32) {
        self.beginTick = beginTick
    }

    /// Counts one more; returns how many that makes in its second.
    mutating func count(at tick: UInt32) -> Int {
        if tick - beginTick >= MessageRate.windowTicks { self = MessageRate(beginTick: tick) }
        messages += 1
        return messages
    }
}

// Limits on what one client may do to the others.
extension Worker {
    /// Counts a message or ping from a client; false if it is one too many and must not be acted on.
    func admitsMessage(_ connection: Connection) -> Bool {
        guard let limit = state.configuration.maxMessageRate else { return true }
        let now = wheel.currentTick
        let count = messageRates[connection.slot, default: MessageRate(beginTick: now)].count(at: now)
        guard count > limit.value, isStopped(by: .messageRate) else { return true }
        counters.messagesOverRate += 1
        switch state.configuration.rateExcess {
        case .close: fail(connection, .tooManyRequests, "too many messages", .tooManyMessages)
        case .error:
            reply(ServerReply.error("at most \(limit.value) messages a second (--max-message-rate)"), to: connection)
        }
        return false
    }

    /// Gives back what a connection that ends has taken of the limits.
    func releaseLimits(_ connection: Connection) {
        if let ticket = tickets.removeValue(forKey: connection.slot) { state.admission.release(ticket) }
        if state.configuration.maxMessageRate != nil { messageRates[connection.slot] = nil }
        if let address = countedAddresses.removeValue(forKey: connection.slot) { state.sockets.remove(address) }
    }

    /// What an accepted socket counts as for `--max-sockets-per-address`; nil if it does not count.
    ///
    /// Whoever administers the server must get in though an address is full.
    func countedAddress(of stream: AcceptedStream, _ peer: Peer) -> AddressGroup? {
        guard state.configuration.maxSocketsOfAddress != nil, !peer.contains(.admin) else { return nil }
        return stream.peer.group
    }

    /// Counts an accepted socket; false if its address has one too many.
    func admitsSocket(_ stream: AcceptedStream, _ peer: Peer) -> Bool {
        guard let address = countedAddress(of: stream, peer), let limit = state.configuration.maxSocketsOfAddress else {
            return true
        }
        guard state.sockets.add(address) > limit.value, isStopped(by: .addressSockets) else { return true }
        state.sockets.remove(address)
        return false
    }

    /// A connection's client has taken something: each time it is blocked, the kernel had room before.
    private func noteProgress(_ connection: Connection) {
        connection.progressTick = wheel.currentTick
        connection.unacknowledgedBytes = Socket.unacknowledgedBytes(connection.descriptor)
    }

    /// Looks at a blocked connection before it has taken nothing for too long.
    func watchForStall(_ connection: Connection) {
        noteProgress(connection)
        guard connection.phase == .webSocket, connection.deadline == .ping,
            connection.deadlineTick > wheel.currentTick + stallTicks
        else { return }
        schedule(.ping, connection, afterTicks: stallTicks)
    }

    /// For how many ticks a blocked connection may still take nothing; nil if it is not blocked.
    func patienceTicks(_ connection: Connection) -> UInt32? {
        guard connection.interest.contains(.writable) else { return nil }
        // Before the kernel has room again a slow client may have taken much of what the kernel holds.
        if wheel.currentTick - connection.progressTick >= stallTicks,
            Socket.unacknowledgedBytes(connection.descriptor) < connection.unacknowledgedBytes
        {
            noteProgress(connection)
        }
        let still = wheel.currentTick - connection.progressTick
        return still < stallTicks ? stallTicks - still : 0
    }
}
