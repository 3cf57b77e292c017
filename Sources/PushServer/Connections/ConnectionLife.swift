internal import Channels

/// The life of one connection as a state machine: events go in, actions come out.
///
/// It owns the connection's phase, its deadline, the peer's liveness and the way the connection ends. It has no socket
/// and no clock: time is a parameter, in ticks of the loop's timing wheel, and a thin layer performs its actions.
struct ConnectionLife: ~Copyable {
    enum Phase: CaseIterable {
        /// Waiting for the header that a proxy sends first.
        case proxyHeader
        /// HTTP requests, one after the other.
        case http
        /// An open WebSocket.
        case webSocket
        /// The endless response to a request; input is dropped.
        case streaming
        /// Sending the last bytes; input is dropped, except for the peer's Close frame.
        case closing
        /// Closed; only a reference is left.
        case closed

        /// Whether the client gets messages of channels, or other news, as they come.
        var isSubscribed: Bool { self == .webSocket || self == .streaming }

        /// Whether what the client sends is acted on, or dropped by a rule.
        var isServed: Bool { self == .http || isSubscribed }
    }

    /// What to check when the connection's deadline has passed.
    enum Deadline: CaseIterable { case request, keepAlive, ping, pong, comment, close, linger }

    /// An event of the connection.
    enum Input {
        /// The peer has sent something, or has read something that was queued: it is alive.
        case heard
        /// The connection was silent for this many ticks before it was accepted.
        case deferred(ticks: UInt32)
        /// The proxy's header has been read; later input is the client's.
        case proxied
        /// A part of a request has arrived.
        case requestBegun
        /// A complete request has arrived, or its response no longer waits for another server.
        case requestComplete
        /// The connection is a WebSocket from now on.
        case upgraded
        /// A response without an end has begun.
        case streamBegun
        /// Bytes wait for the kernel, which holds this many that the peer has not acknowledged.
        case blocked(unacknowledgedBytes: Int32)
        /// No bytes wait for the kernel.
        case allSent
        /// The last output is queued; `awaitsClose` if the peer's Close frame is still expected.
        case end(CloseReason?, awaitsClose: Bool, isAllSent: Bool)
        /// The peer has answered our Close frame, or cannot answer it any more.
        case closeAnswered(isAllSent: Bool)
        /// The end of our direction was handed to the kernel; false if a part of it waits for room.
        case outputEnded(isAllSent: Bool)
        /// The peer has ended its stream.
        case peerFinished(isAllSent: Bool)
        /// The hub has given up the connection.
        case lost(LossReason)
        /// The deadline has passed.
        case deadline(Circumstances)
        /// The socket is closed.
        case closed
    }

    /// Facts for a deadline that only the socket and the parser know.
    struct Circumstances {
        /// A response is pending that waits for another server.
        var awaitsAnswer = false
        /// A part of a request has arrived.
        var hasPartialRequest = false
        /// The sent bytes that the peer has not acknowledged; read only if `watchesKernel`.
        var unacknowledgedBytes: Int32 = 0
    }

    /// The action that the caller must perform.
    enum Action: Equatable {
        case none
        /// Send a ping.
        case ping
        /// Send a comment in the stream.
        case comment
        /// Answer that the request did not arrive in time; the connection ends after the response.
        case answerRequestTimeout
        /// Refuse the connection, because its proxy's header did not arrive in time.
        case refuseProxy
        /// Tell the client that its token expires in this many seconds.
        case announceExpiry(seconds: Int)
        /// Send a Close frame, or a stream's last event, for this reason; the connection ends after it.
        case sendClose(CloseReason)
        /// Stop reading and delivering; the connection ends after its queue.
        case endBehindQueue
        /// Everything is sent: end our direction, first of the TLS session, and report `outputEnded`.
        case endOutput
        /// Shut down our direction of the socket; drop what the peer still sends.
        case shutdownWrites
        /// Close the socket now.
        case close
    }

    private struct Flags: OptionSet {
        let rawValue: UInt8
        /// A ping was sent, and nothing was received since.
        static let pingUnanswered = Flags(rawValue: 1)
        /// The peer has ended its stream.
        static let peerFinished = Flags(rawValue: 2)
        /// The peer's Close frame has arrived, or is not expected.
        static let closeComplete = Flags(rawValue: 4)
        /// Bytes wait for the kernel.
        static let blocked = Flags(rawValue: 8)
    }

    private(set) var phase: Phase
    private(set) var deadline = Deadline.request
    private var flags: Flags = []
    /// Why the WebSocket or the stream ends, for the counters.
    private(set) var closeReason = CloseReason.aborted
    private(set) var deadlineTick: UInt32 = 0
    private(set) var lastHeardTick: UInt32
    /// While blocked: when the peer last read something, and how many bytes the kernel held for it then.
    private var progressTick: UInt32 = 0
    private var unacknowledgedBytes: Int32 = 0
    /// While closing: when the wait for the peer ends, whatever it does.
    private var patienceEndTick: UInt32 = 0

    init(isProxied: Bool, at tick: UInt32, _ timeouts: Timeouts) {
        phase = isProxied ? .proxyHeader : .http
        lastHeardTick = tick
        wait(for: .request, timeouts.request, from: tick)
    }

    var isPeerFinished: Bool { flags.contains(.peerFinished) }
    /// While closing: whether the peer's Close frame is still expected.
    var awaitsClose: Bool { phase == .closing && !flags.contains(.closeComplete) }
    var isBlocked: Bool { flags.contains(.blocked) }
    /// Whether the deadline depends on what the kernel still holds, which costs a system call.
    var watchesKernel: Bool { isBlocked || deadline == .linger }

    /// The number of ticks since something was last received.
    func silentTicks(at tick: UInt32) -> UInt32 { tick - lastHeardTick }

    /// Handles an event.
    ///
    /// Inlined, so that a caller with a constant input pays only for that input.
    @inline(__always)
    mutating func handle(_ input: Input, at tick: UInt32, _ timeouts: Timeouts) -> Action {
        guard phase != .closed else { return .none }
        switch input {
        case .heard:
            lastHeardTick = tick
            flags.remove(.pingUnanswered)
        case .deferred(let ticks): deferred(ticks, tick, timeouts)
        case .proxied: proxied(tick, timeouts)
        case .requestBegun:
            if phase == .http, deadline != .request { wait(for: .request, timeouts.request, from: tick) }
        case .requestComplete:
            if phase == .http { wait(for: .keepAlive, timeouts.keepAlive, from: tick) }
        case .upgraded:
            guard phase == .http else { break }
            phase = .webSocket
            wait(for: .ping, timeouts.ping, from: tick)
        case .streamBegun:
            guard phase == .http else { break }
            phase = .streaming
            wait(for: .comment, timeouts.comment, from: tick)
        case .blocked(let bytes): blocked(bytes, tick, timeouts)
        case .allSent:
            flags.remove(.blocked)
            return finishIfPossible(isAllSent: true)
        case .end(let reason, let awaitsClose, let isAllSent):
            return end(reason, awaitsClose: awaitsClose, isAllSent: isAllSent, tick, timeouts)
        case .closeAnswered(let isAllSent):
            guard awaitsClose else { break }
            flags.insert(.closeComplete)
            return finishIfPossible(isAllSent: isAllSent)
        case .outputEnded(let isAllSent): return outputEnded(isAllSent: isAllSent, tick, timeouts)
        case .peerFinished(let isAllSent): return peerFinished(isAllSent: isAllSent)
        case .lost(let reason): return lost(reason)
        case .deadline(let circumstances): return deadlineReached(circumstances, tick, timeouts)
        case .closed: phase = .closed
        }
        return .none
    }

    private mutating func wait(for deadline: Deadline, _ ticks: UInt32, from tick: UInt32) {
        self.deadline = deadline
        deadlineTick = tick + 1 + ticks  // the current tick has already begun
    }

    private mutating func deferred(_ ticks: UInt32, _ tick: UInt32, _ timeouts: Timeouts) {
        guard phase == .http, deadline == .request else { return }
        wait(for: .request, timeouts.request - min(ticks, timeouts.request - 1), from: tick)
    }

    private mutating func proxied(_ tick: UInt32, _ timeouts: Timeouts) {
        guard phase == .proxyHeader else { return }
        phase = .http
        lastHeardTick = tick
        wait(for: .request, timeouts.request, from: tick)
    }
}

// MARK: - Liveness

extension ConnectionLife {
    /// Whenever bytes begin to wait, the kernel had room before, so the peer has read something.
    private mutating func blocked(_ bytes: Int32, _ tick: UInt32, _ timeouts: Timeouts) {
        flags.insert(.blocked)
        noteProgress(bytes, tick)
        // Checks before the peer has read nothing for too long.
        guard phase.isSubscribed, deadline == .ping || deadline == .comment,
            deadlineTick > tick + timeouts.stall
        else { return }
        wait(for: deadline, timeouts.stall, from: tick)
    }

    private mutating func noteProgress(_ bytes: Int32, _ tick: UInt32) {
        progressTick = tick
        unacknowledgedBytes = bytes
    }

    private mutating func deadlineReached(
        _ circumstances: Circumstances, _ tick: UInt32, _ timeouts: Timeouts
    ) -> Action {
        guard deadlineTick <= tick else { return .none }
        let patience = patienceTicks(circumstances, tick, timeouts)
        // The queue has not moved for too long; a Close frame would only wait in it.
        if phase.isSubscribed, patience == 0 { return abort(.stalled) }
        switch deadline {
        case .request: return requestTimedOut(circumstances, tick, timeouts)
        case .keepAlive: return keepAliveEnded(circumstances, patience, tick, timeouts)
        case .pong where flags.contains(.pingUnanswered): return abort(.pingTimeout)
        case .ping, .pong: return pingIfSilent(patience, tick, timeouts)
        case .comment: return commentUnlessBlocked(patience, tick, timeouts)
        case .close, .linger: return closeUnlessBusy(circumstances, tick, timeouts)
        }
    }

    /// The ticks for which a blocked peer may still read nothing; nil if it is not blocked.
    private mutating func patienceTicks(
        _ circumstances: Circumstances, _ tick: UInt32, _ timeouts: Timeouts
    ) -> UInt32? {
        guard isBlocked else { return nil }
        // A slow peer may have read much of the kernel's buffer before the kernel reports room.
        if tick - progressTick >= timeouts.stall, circumstances.unacknowledgedBytes < unacknowledgedBytes {
            noteProgress(circumstances.unacknowledgedBytes, tick)
        }
        let still = tick - progressTick
        return still < timeouts.stall ? timeouts.stall - still : 0
    }

    /// Answers a request that was begun but not finished in time; a silent connection is just closed.
    private mutating func requestTimedOut(
        _ circumstances: Circumstances, _ tick: UInt32, _ timeouts: Timeouts
    ) -> Action {
        guard phase != .proxyHeader else { return .refuseProxy }
        // The other server has its own timeout.
        guard !circumstances.awaitsAnswer else {
            wait(for: .request, timeouts.answer, from: tick)
            return .none
        }
        return phase == .http && circumstances.hasPartialRequest ? .answerRequestTimeout : .close
    }

    /// Ends a connection that has been idle for too long: no pending response, no unread one, no request.
    private mutating func keepAliveEnded(
        _ circumstances: Circumstances, _ patience: UInt32?, _ tick: UInt32, _ timeouts: Timeouts
    ) -> Action {
        let silent = silentTicks(at: tick)
        if let patience, patience > 0 {
            wait(for: .keepAlive, min(patience, timeouts.keepAlive), from: tick)
        } else if circumstances.awaitsAnswer || silent < timeouts.keepAlive {
            wait(for: .keepAlive, max(timeouts.keepAlive - min(silent, timeouts.keepAlive), 1), from: tick)
        } else {
            return .close
        }
        return .none
    }

    /// Pings only silent peers; any input since the last ping counts as its answer, not only a pong.
    private mutating func pingIfSilent(
        _ patience: UInt32?, _ tick: UInt32, _ timeouts: Timeouts
    ) -> Action {
        let silent = silentTicks(at: tick)
        guard silent >= timeouts.ping else {
            wait(for: .ping, min(timeouts.ping - silent, patience ?? .max), from: tick)
            return .none
        }
        flags.insert(.pingUnanswered)
        wait(for: .pong, timeouts.pong, from: tick)
        return .ping
    }

    /// A stream's client sends nothing; the kernel finds out whether it is alive, if there is something to send.
    private mutating func commentUnlessBlocked(
        _ patience: UInt32?, _ tick: UInt32, _ timeouts: Timeouts
    ) -> Action {
        wait(for: .comment, min(timeouts.comment, patience ?? .max), from: tick)
        return isBlocked ? .none : .comment
    }
}

// MARK: - The end

extension ConnectionLife {
    private mutating func abort(_ reason: CloseReason) -> Action {
        closeReason = reason
        return .close
    }

    private mutating func end(
        _ reason: CloseReason?, awaitsClose: Bool, isAllSent: Bool, _ tick: UInt32, _ timeouts: Timeouts
    ) -> Action {
        if let reason { closeReason = reason }
        phase = .closing
        if !awaitsClose { flags.insert(.closeComplete) }
        let action = finishIfPossible(isAllSent: isAllSent)
        if action == .none { waitForPeer(.close, timeouts.close, tick, timeouts) }
        return action
    }

    private func finishIfPossible(isAllSent: Bool) -> Action {
        phase == .closing && isAllSent && flags.contains(.closeComplete) ? .endOutput : .none
    }

    /// Waits briefly for the peer to end its direction.
    ///
    /// Closing a socket with unread input resets the connection, and the peer might lose the last bytes.
    private mutating func outputEnded(isAllSent: Bool, _ tick: UInt32, _ timeouts: Timeouts) -> Action {
        guard phase == .closing else { return .none }
        guard isAllSent else {
            waitForPeer(.close, timeouts.close, tick, timeouts)
            return .none
        }
        guard !isPeerFinished else { return .close }
        flags.remove(.blocked)
        waitForPeer(.linger, timeouts.linger, tick, timeouts)
        return .shutdownWrites
    }

    /// A peer that half-closes after a request or a message still gets everything that is queued for it.
    private mutating func peerFinished(isAllSent: Bool) -> Action {
        if phase == .streaming { closeReason = .client }
        guard !isPeerFinished, !isAllSent else { return .close }
        flags.insert(.peerFinished)
        return .endBehindQueue
    }

    /// After a loss no HTTP client is told: after a dropped response, the next one would be mistaken for it.
    private mutating func lost(_ reason: LossReason) -> Action {
        guard phase.isSubscribed else { return .close }
        switch reason {
        case .overflow: return .sendClose(.slowConsumer)
        case .overBudget(midFrame: false): return .sendClose(.overBudget)
        case .overBudget(midFrame: true): return abort(.overBudget)
        case .failed: return .close
        }
    }

    /// Gives more time to a peer that still reads or sends, or whose last bytes the kernel still holds.
    private mutating func closeUnlessBusy(
        _ circumstances: Circumstances, _ tick: UInt32, _ timeouts: Timeouts
    ) -> Action {
        let isLingering = deadline == .linger
        let timeout = isLingering ? timeouts.linger : timeouts.close
        let isBusy = silentTicks(at: tick) < timeout || (isLingering && circumstances.unacknowledgedBytes > 0)
        guard isBusy, tick < patienceEndTick else { return .close }
        wait(for: deadline, timeout, from: tick)
        return .none
    }

    private mutating func waitForPeer(
        _ deadline: Deadline, _ ticks: UInt32, _ tick: UInt32, _ timeouts: Timeouts
    ) {
        patienceEndTick = tick + timeouts.patience
        wait(for: deadline, ticks, from: tick)
    }
}
