internal import WSLoop

/// Takes what happens to a link; called on the loop, from inside a method of the link only in `remake`.
protocol RedisLinkOwner: AnyObject {
    /// Logged in; commands may be sent.
    func linkReady(_ link: RedisLink)
    /// A reply or a pushed message arrived; it is lent for the call.
    func link(_ link: RedisLink, received reply: RedisReply)
    /// A ready link broke; the next attempt is scheduled.
    func linkLost(_ link: RedisLink, reason: String)
    /// An attempt failed; the next one is scheduled.
    func linkFailed(_ link: RedisLink, reason: String)
}

/// A connection to Redis that is made anew after every loss, logged in, until `stop()`.
final class RedisLink {
    private enum Phase {
        case stopped
        case waiting
        case lookingUp
        case connecting(RedisConnection)
        case ready(RedisConnection)
    }

    private let loop: Loop
    private let endpoint: RedisEndpoint
    private let attemptMilliseconds: UInt64
    /// Runs for the next attempt while waiting, against a silent Redis while connecting.
    private let timer: Timer
    private var backoff: Backoff
    private var random = SystemRandomNumberGenerator()
    private var phase = Phase.stopped
    private var untriedAddresses: [SocketAddress] = []
    private var login: [LoginStep] = []
    private weak var owner: (any RedisLinkOwner)?

    /// Makes a link that does nothing yet; it stops the timer but leaves closing it to its owner.
    init(on loop: Loop, endpoint: RedisEndpoint, timing: RedisTiming, timer: Timer) {
        self.loop = loop
        self.endpoint = endpoint
        attemptMilliseconds = timing.attemptMilliseconds
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

    /// Begins with the next turn of the loop.
    func start(owner: any RedisLinkOwner) {
        guard case .stopped = phase else { return }
        self.owner = owner
        phase = .waiting
        timer.start(afterMilliseconds: 0)
    }

    /// Ends the connection and all attempts.
    func stop() {
        owner = nil
        timer.stop()
        leave(.stopped)
    }

    /// Sends a command if the link is ready.
    func send(_ arguments: [[UInt8]]) {
        guard case .ready(let connection) = phase else { return }
        connection.send(arguments)
    }

    /// The connection has proved its worth: after its loss the first attempt comes soon.
    func proven() {
        backoff.reset()
    }

    /// Gives up a ready connection that does not do its work.
    func remake(reason: String) {
        guard isReady else { return }
        retryLater()
        owner?.linkLost(self, reason: reason)
    }

    private func timerFired() {
        switch phase {
        case .waiting: attempt()
        case .connecting(let connection):
            attemptFailed("\(connection.address): no answer within \(attemptMilliseconds) ms")
        case .stopped, .lookingUp, .ready: break
        }
    }

    private func attempt() {
        switch endpoint.transport {
        case .unix(let address): connect(toFirstOf: [address])
        case .tcp(let host, let port):
            if let address = SocketAddress(host: host, port: port) {
                connect(toFirstOf: [address])
            } else {
                // The system bounds the time of a lookup; a new one every second would only queue up behind it.
                phase = .lookingUp
                NameLookup.start(host, port: port, on: loop) { [weak self] in self?.lookedUp($0) }
            }
        }
    }

    /// Takes the answer of a lookup; one that nobody waits for any more is ignored.
    func lookedUp(_ result: Result<[SocketAddress], SystemError>) {
        guard case .lookingUp = phase else { return }
        switch result {
        case .success(let addresses): connect(toFirstOf: addresses)
        case .failure(let error): attemptFailed("\(error)")
        }
    }

    private func connect(toFirstOf addresses: [SocketAddress]) {
        guard let address = addresses.first else { return }
        untriedAddresses = Array(addresses.dropFirst())
        do throws(RedisConnectionFailure) {
            phase = .connecting(try RedisConnection(to: address, on: loop, owner: self))
            timer.start(afterMilliseconds: attemptMilliseconds)
        } catch {
            attemptFailed("\(address): \(error.reason)")
        }
    }

    /// A host has several addresses, as localhost has ::1 and 127.0.0.1: the attempt has failed when all have.
    private func attemptFailed(_ reason: String) {
        if untriedAddresses.isEmpty {
            retryLater()
            owner?.linkFailed(self, reason: reason)
        } else {
            leave(.waiting)
            connect(toFirstOf: untriedAddresses)
        }
    }

    private func retryLater() {
        leave(.waiting)
        timer.start(afterMilliseconds: backoff.nextMilliseconds(using: &random))
    }

    private func leave(_ next: Phase) {
        let last = phase
        phase = next
        switch last {
        case .connecting(let connection), .ready(let connection): connection.close()
        case .stopped, .waiting, .lookingUp: break
        }
    }
}

extension RedisLink: RedisConnectionOwner {
    func connectionOpened(_ connection: RedisConnection) {
        login = LoginStep.steps(for: endpoint)
        for step in login { connection.send(step.command) }
    }

    func connection(_ connection: RedisConnection, received reply: RedisReply) {
        switch phase {
        case .ready: owner?.link(self, received: reply)
        case .connecting: loginAnswered(connection, reply)
        case .stopped, .waiting, .lookingUp: break
        }
    }

    func connectionEnded(_ connection: RedisConnection, reason: String) {
        switch phase {
        case .ready:
            retryLater()
            owner?.linkLost(self, reason: "\(connection.address): \(reason)")
        case .connecting: attemptFailed("\(connection.address): \(reason)")
        case .stopped, .waiting, .lookingUp: break
        }
    }

    private func loginAnswered(_ connection: RedisConnection, _ reply: RedisReply) {
        guard !login.isEmpty else { return }
        let step = login.removeFirst()
        if let text = reply.errorText, !step.tolerates(text) {
            attemptFailed("\(connection.address): \(step.name) was refused: \(text)")
        } else if login.isEmpty {
            phase = .ready(connection)
            timer.stop()
            owner?.linkReady(self)
        }
    }
}

@available(*, unavailable)
extension RedisLink: Sendable {}
