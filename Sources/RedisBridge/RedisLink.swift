internal import WSLoop

/// Receives a link's events; called on the loop, and from inside a method of the link only in `remake`.
protocol RedisLinkOwner: AnyObject {
    /// The link is logged in; commands may be sent.
    func linkReady(_ link: RedisLink)
    /// A reply or a pushed message arrived; it is lent for the call.
    func link(_ link: RedisLink, received reply: RedisReply)
    /// A ready link broke; the next attempt is scheduled.
    func linkLost(_ link: RedisLink, _ failure: RedisLinkFailure)
    /// An attempt failed; the next one is scheduled.
    func linkFailed(_ link: RedisLink, _ failure: RedisLinkFailure)
}

/// A logged-in connection to Redis that reconnects after every loss, until `stop()`.
final class RedisLink {
    private enum Phase {
        case stopped
        /// The address of Redis is unknown.
        case nowhere
        case waiting
        /// A slow lookup is reported as failed before it ends.
        case lookingUp
        case connecting(RedisConnection)
        /// Reported as failed, but left open until the next attempt is due: a server that was frozen answers at once
        /// when it resumes.
        case overdue(RedisConnection)
        case ready(RedisConnection)
    }

    /// Far larger than any reply except a message.
    static let maxReplyBytes = 1 << 20

    private let loop: Loop
    private let login: RedisLogin
    private let tls: TLSContext?
    private let timing: RedisTiming
    private let maxStringBytes: Int
    /// The next attempt while waiting; the timeout while connecting.
    private let timer: Timer
    private var backoff: Backoff
    private var random = SystemRandomNumberGenerator()
    private var phase = Phase.stopped
    private var servers: [RedisServer]
    private var untriedServers: ArraySlice<RedisServer> = []
    /// The current host, whose name its certificate must contain.
    private var serverName = ""
    /// Distinguishes the answer to the current lookup from those to earlier ones.
    private var lookups = 0
    private var untriedAddresses: [SocketAddress] = []
    private var loginSteps: [LoginStep] = []
    private weak var owner: (any RedisLinkOwner)?

    /// Makes a link that is not started; it stops the timer, but the timer's owner must close it.
    ///
    /// - Parameters:
    /// - servers: an attempt tries them in this order; without servers it waits until there are some.
    /// - maxStringBytes: longer strings are received as nil.
    init(
        on loop: Loop, servers: [RedisServer], login: RedisLogin, tls: TLSContext?, timing: RedisTiming, timer: Timer,
        maxStringBytes: Int = RedisLink.maxReplyBytes
    ) {
        self.loop = loop
        self.servers = servers
        self.login = login
        self.tls = tls
        self.timing = timing
        self.maxStringBytes = maxStringBytes
        self.timer = timer
        backoff = Backoff(
            firstCeilingMilliseconds: timing.firstBackoffMilliseconds,
            lastCeilingMilliseconds: timing.lastBackoffMilliseconds)
        timer.onEvent { [weak self] in self?.timerFired() }
    }

    /// Whether commands may be sent.
    var isReady: Bool {
        if case .ready = phase { true } else { false }
    }

    /// When something was last read on a ready link.
    var heardMilliseconds: UInt64? {
        if case .ready(let connection) = phase { connection.heardMilliseconds } else { nil }
    }

    /// The address of a ready link.
    var address: SocketAddress? {
        if case .ready(let connection) = phase { connection.address } else { nil }
    }

    /// Whether it accepts only a master.
    var needsMaster: Bool { login.needsMaster }

    /// Starts in the next turn of the loop.
    func start(owner: any RedisLinkOwner) {
        guard case .stopped = phase else { return }
        self.owner = owner
        begin()
    }

    /// Ends the connection and all attempts.
    func stop() {
        owner = nil
        timer.stop()
        leave(.stopped)
    }

    /// Moves to other servers; the current connection is closed.
    func move(to servers: [RedisServer], reason: String) {
        self.servers = servers
        startOver(reason: reason)
    }

    /// Closes the connection and connects again, with a new lookup.
    func startOver(reason: String) {
        switch phase {
        case .stopped: return
        case .ready:
            begin()
            owner?.linkLost(self, RedisLinkFailure(reason))
        case .nowhere, .waiting, .lookingUp, .connecting, .overdue: begin()
        }
    }

    /// Sends a command if the link is ready.
    func send(_ command: RedisCommand) {
        guard case .ready(let connection) = phase else { return }
        connection.send(command)
    }

    /// The connection has worked: after its loss the first attempt comes soon.
    func proven() {
        backoff.reset()
    }

    /// Closes and re-establishes a ready connection that does not work.
    func remake(_ failure: RedisLinkFailure) {
        guard case .ready(let connection) = phase else { return }
        owner?.linkLost(self, retryLater(failure.at(connection.address)))
    }

    private func begin() {
        backoff.reset()
        leave(servers.isEmpty ? .nowhere : .waiting)
        if servers.isEmpty { timer.stop() } else { timer.start(afterMilliseconds: 0) }
    }

    private func timerFired() {
        switch phase {
        case .waiting, .overdue: attempt()
        case .lookingUp: owner?.linkFailed(self, unansweredLookup)
        case .connecting(let connection): unanswered(connection)
        case .stopped, .nowhere, .ready: break
        }
    }

    private var unansweredLookup: RedisLinkFailure {
        RedisLinkFailure("look up \(serverName): no answer within \(timing.connectMilliseconds) ms")
    }

    private func attempt() {
        leave(.waiting)
        untriedServers = servers[...]
        tryNextServer()
    }

    private func tryNextServer() {
        guard let server = untriedServers.popFirst() else { return }
        switch server {
        case .unix(let path): connect(toFirstOf: [SocketAddress(unixPath: path)].compactMap { $0 })
        case .tcp(let host, let port):
            serverName = host
            if let address = SocketAddress(host: host, port: port) {
                connect(toFirstOf: [address])
            } else {
                // The system limits the time of a lookup; starting another one every second would only queue up.
                leave(.lookingUp)
                timer.start(afterMilliseconds: timing.connectMilliseconds)
                lookups += 1
                NameLookup.start(host, port: port, on: loop) { [weak self, number = lookups] in
                    if self?.lookups == number { self?.lookedUp($0) }
                }
            }
        }
    }

    /// Handles the answer of a lookup; answers to earlier lookups are ignored.
    func lookedUp(_ result: Result<[SocketAddress], SystemError>) {
        guard case .lookingUp = phase else { return }
        switch result {
        case .success(let addresses): connect(toFirstOf: addresses)
        case .failure(let error): attemptFailed(RedisLinkFailure("\(error)"))
        }
    }

    private func connect(toFirstOf addresses: [SocketAddress]) {
        guard let address = addresses.first else { return attemptFailed(RedisLinkFailure("no address")) }
        untriedAddresses = Array(addresses.dropFirst())
        do throws(RedisLinkFailure) {
            leave(.connecting(try connection(to: address)))
            timer.start(afterMilliseconds: timing.connectMilliseconds)
        } catch {
            attemptFailed(error.at(address))
        }
    }

    private func connection(to address: SocketAddress) throws(RedisLinkFailure) -> RedisConnection {
        try RedisConnection(to: address, security, on: loop, maxStringBytes: maxStringBytes, owner: self)
    }

    private var security: ClientStream.Security? {
        tls.map { ClientStream.Security(context: $0, serverName: serverName) }
    }

    private var hasUntried: Bool { !untriedAddresses.isEmpty || !untriedServers.isEmpty }

    private func unanswered(_ connection: RedisConnection) {
        var failure = RedisLinkFailure(
            "\(connection.address): timed out, no answer within \(timing.connectMilliseconds) ms")
        guard !hasUntried else { return attemptFailed(failure) }
        phase = .overdue(connection)
        timer.start(afterMilliseconds: backoff.nextMilliseconds(using: &random))
        failure.retryMilliseconds = timing.lastBackoffMilliseconds
        owner?.linkFailed(self, failure)
    }

    /// A host may have several addresses, as localhost has ::1 and 127.0.0.1: the attempt fails when all of them fail.
    private func attemptFailed(_ failure: RedisLinkFailure) {
        if !untriedAddresses.isEmpty {
            leave(.waiting)
            connect(toFirstOf: untriedAddresses)
        } else if !untriedServers.isEmpty {
            leave(.waiting)
            tryNextServer()
        } else {
            owner?.linkFailed(self, retryLater(failure))
        }
    }

    /// - Returns: the failure, with the time of the next attempt.
    private func retryLater(_ failure: RedisLinkFailure) -> RedisLinkFailure {
        leave(.waiting)
        let last = timing.lastBackoffMilliseconds
        let ceiling = failure.isCheap ? min(timing.cheapBackoffMilliseconds, last) : last
        timer.start(afterMilliseconds: backoff.nextMilliseconds(under: ceiling, using: &random))
        var failure = failure
        failure.retryMilliseconds = ceiling
        return failure
    }

    private func leave(_ next: Phase) {
        let last = phase
        phase = next
        switch last {
        case .connecting(let connection), .overdue(let connection), .ready(let connection): connection.close()
        case .stopped, .nowhere, .waiting, .lookingUp: break
        }
    }
}

extension RedisLink: RedisConnectionOwner {
    func connectionOpened(_ connection: RedisConnection) {
        do throws(RedisLinkFailure) {
            loginSteps = try login.steps()
            for step in loginSteps { connection.send(step.command) }
        } catch {
            attemptFailed(error)
        }
    }

    func connection(_ connection: RedisConnection, received reply: RedisReply) {
        switch phase {
        case .ready: owner?.link(self, received: reply)
        case .connecting, .overdue: loginAnswered(connection, reply)
        case .stopped, .nowhere, .waiting, .lookingUp: break
        }
    }

    func connectionEnded(_ connection: RedisConnection, _ failure: RedisLinkFailure) {
        let failure = failure.at(connection.address)
        switch phase {
        case .ready: owner?.linkLost(self, retryLater(failure))
        case .connecting: attemptFailed(failure)
        // Its failure was already reported; the next attempt keeps its time.
        case .overdue: phase = .waiting
        case .stopped, .nowhere, .waiting, .lookingUp: break
        }
    }

    private func loginAnswered(_ connection: RedisConnection, _ reply: RedisReply) {
        guard !loginSteps.isEmpty else { return }
        if let failure = loginSteps.removeFirst().failure(reply) {
            attemptFailed(failure.at(connection.address))
        } else if loginSteps.isEmpty {
            phase = .ready(connection)
            timer.stop()
            owner?.linkReady(self)
        }
    }
}

@available(*, unavailable)
extension RedisLink: Sendable {}
