internal import Channels

/// The life of one connection as a state machine: what has happened goes in, what has to be done comes out.
///
/// It owns the connection's phase, its deadline, what is known of the peer's liveness and how the connection ends. It knows
/// no socket and no clock: time comes in as ticks of the loop's timing wheel, and a thin layer performs its actions.
struct ConnectionLife: ~Copyable {
    enum Phase: CaseIterable {
        /// The header that a proxy sends before all else.
        case proxyHeader
        /// HTTP requests, one after the other.
        case http
        /// An open WebSocket.
        case webSocket
        /// The last bytes are on their way out; input is dropped, except the peer's Close frame.
        case closing
        /// Gone; only a reference is left.
        case closed
    }

    /// What the connection is looked at for when its deadline has come.
    enum Deadline: CaseIterable { case request, keepAlive, ping, pong, close, linger }

    /// What has happened to the connection.
    enum Input {
        /// The peer has sent something, or has taken something that waited for it: it is alive.
        case heard
        /// Before it was accepted the connection has been silent for so many ticks.
        case deferred(ticks: UInt32)
        /// The proxy's header has been read; what follows is the client's.
        case proxied
        /// A part of a request has arrived.
        case requestBegun
        /// A whole request has arrived, or its answer no longer waits for another server.
        case requestComplete
        /// The connection is a WebSocket from now on.
        case upgraded
        /// Bytes wait for the kernel, which holds so many that the peer has not acknowledged.
        case blocked(unacknowledgedBytes: Int32)
        /// No bytes wait for the kernel.
        case allSent
        /// The last thing to send is queued; `awaitsClose` if the peer's Close frame is still to come.
        case end(CloseReason?, awaitsClose: Bool, isAllSent: Bool)
        /// The peer's Close frame, or what makes it impossible, has come in answer to ours.
        case closeAnswered(isAllSent: Bool)
        /// What ends our direction has been given to the kernel; false if a part of it waits for room.
        case outputEnded(isAllSent: Bool)
        /// The peer sends nothing more.
        case peerFinished(isAllSent: Bool)
        /// The hub has given the connection up.
        case lost(LossReason)
        /// The tick of the deadline has come.
        case deadline(Circumstances)
        /// The socket is closed.
        case closed
    }

    /// What a deadline is judged by and only the socket and the parser know.
    struct Circumstances {
        /// An answer is owed that waits for another server.
        var awaitsAnswer = false
        /// A request has arrived in part.
        var hasPartialRequest = false
        /// What the kernel holds and the peer has not acknowledged; read only if `watchesKernel`.
        var unacknowledgedBytes: Int32 = 0
    }

    /// What has to be done about it.
    enum Action: Equatable {
        case none
        /// Send a ping.
        case ping
        /// Answer that the request did not arrive in time; the connection ends behind the answer.
        case answerRequestTimeout
        /// Refuse the connection: its proxy's header did not arrive in time.
        case refuseProxy
        /// Send a Close frame for this reason; the connection ends behind it.
        case sendClose(CloseReason)
        /// Stop reading and delivering; the connection ends behind what is queued.
        case endBehindQueue
        /// All is sent: end our direction, first of the TLS session, and report `outputEnded`.
        case endOutput
        /// Shut down our direction of the socket; drop what the peer still sends.
        case shutdownWrites
        /// Close the socket now.
        case close
    }

    private struct Flags: OptionSet {
        let rawValue: UInt8
        /// A ping is out, and nothing has been heard since.
        static let pingUnanswered = Flags(rawValue: 1)
        /// The peer sends nothing more.
        static let peerFinished = Flags(rawValue: 2)
        /// The peer's Close frame has come, or none is waited for.
        static let closeComplete = Flags(rawValue: 4)
        /// Bytes wait for the kernel.
        static let blocked = Flags(rawValue: 8)
    }

    private(set) var phase: Phase
    private(set) var deadline = Deadline.request
    private var flags: Flags = []
    /// Why the WebSocket ends, for the counters.
    private(set) var closeReason = CloseReason.aborted
    private(set) var deadlineTick: UInt32 = 0
    private(set) var lastHeardTick: UInt32
    /// While blocked: when the peer was last seen to take something, and what the kernel still held for it then.
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
    /// While closing: whether the peer's Close frame is still to come.
    var awaitsClose: Bool { phase == .closing && !flags.contains(.closeComplete) }
    var isBlocked: Bool { flags.contains(.blocked) }
    /// Whether a deadline is judged by what the kernel still holds, which costs a system call.
    var watchesKernel: Bool { isBlocked || deadline == .linger }

    /// For how many ticks nothing has been heard.
    func silentTicks(at tick: UInt32) -> UInt32 { tick - lastHeardTick }

    /// Takes in what has happened.
    ///
    /// Inlined, so that a caller with a constant input pays for that input only.
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
        deadlineTick = tick + 1 + ticks  // the current tick has begun already
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
    /// Each time that bytes begin to wait the kernel had room before: the peer has taken something.
    private mutating func blocked(_ bytes: Int32, _ tick: UInt32, _ timeouts: Timeouts) {
        flags.insert(.blocked)
        noteProgress(bytes, tick)
        // Looked at before it has taken nothing for too long.
        guard phase == .webSocket, deadline == .ping, deadlineTick > tick + timeouts.stall else { return }
        wait(for: .ping, timeouts.stall, from: tick)
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
        // A Close frame would only wait behind what has not moved for too long.
        if phase == .webSocket, patience == 0 { return abort(.stalled) }
        switch deadline {
        case .request: return requestTimedOut(circumstances, tick, timeouts)
        case .keepAlive: return keepAliveEnded(circumstances, patience, tick, timeouts)
        case .pong where flags.contains(.pingUnanswered): return abort(.pingTimeout)
        case .ping, .pong: return pingIfSilent(patience, tick, timeouts)
        case .close, .linger: return closeUnlessBusy(circumstances, tick, timeouts)
        }
    }

    /// For how many ticks a blocked peer may still take nothing; nil if it is not blocked.
    private mutating func patienceTicks(
        _ circumstances: Circumstances, _ tick: UInt32, _ timeouts: Timeouts
    ) -> UInt32? {
        guard isBlocked else { return nil }
        // Before the kernel has room again a slow peer may have taken much of what the kernel holds.
        if tick - progressTick >= timeouts.stall, circumstances.unacknowledgedBytes < unacknowledgedBytes {
            noteProgress(circumstances.unacknowledgedBytes, tick)
        }
        let still = tick - progressTick
        return still < timeouts.stall ? timeouts.stall - still : 0
    }

    /// A request that was begun but not finished in time is answered; silence is not.
    private mutating func requestTimedOut(
        _ circumstances: Circumstances, _ tick: UInt32, _ timeouts: Timeouts
    ) -> Action {
        guard phase != .proxyHeader else { return .refuseProxy }
        // The server that is asked has a time limit of its own.
        guard !circumstances.awaitsAnswer else {
            wait(for: .request, timeouts.answer, from: tick)
            return .none
        }
        return phase == .http && circumstances.hasPartialRequest ? .answerRequestTimeout : .close
    }

    /// Ends a connection that waits for no answer, reads none, and has asked for nothing for a while.
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

    /// Pings only silent peers; anything that came since the last ping counts as its answer, a pong or not.
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

    /// Closing a socket with unread input resets the connection, and the peer might lose what was sent last: it gets a
    /// moment to end its direction.
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

    /// A peer that half-closes behind a request or a message still gets what is queued for it.
    private mutating func peerFinished(isAllSent: Bool) -> Action {
        guard !isPeerFinished, !isAllSent else { return .close }
        flags.insert(.peerFinished)
        return .endBehindQueue
    }

    /// After a loss only a WebSocket can be told: behind a dropped answer the next one would be taken for it.
    private mutating func lost(_ reason: LossReason) -> Action {
        guard phase == .webSocket else { return .close }
        switch reason {
        case .overflow: return .sendClose(.slowConsumer)
        case .overBudget(midFrame: false): return .sendClose(.overBudget)
        case .overBudget(midFrame: true): return abort(.overBudget)
        case .failed: return .close
        }
    }

    /// A peer that reads what is queued, or still sends and has yet to see that we close, gets more time; so does one that the
    /// kernel still holds our last bytes for.
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
