internal import Access
internal import HTTP
internal import WSLoop
internal import WebSocket

/// One client: a stream socket, first speaking HTTP and then perhaps WebSocket.
///
/// Confined to its worker's loop. An idle WebSocket owns this object and nothing else: no buffer, no parser, no timer, no handle. Its outbox and
/// subscriptions are in the hub, under its slot.
final class Connection {
    /// Why no input is taken for now.
    struct Pause: OptionSet {
        let rawValue: UInt8
        /// A subscription waits for the broker to confirm it.
        static let subscribing = Pause(rawValue: 1)
        /// A publish waits for the broker to accept it.
        static let publishing = Pause(rawValue: 2)
        /// The client does not read its answers.
        static let unreadAnswers = Pause(rawValue: 4)
        /// It has had its share of the turn.
        static let othersFirst = Pause(rawValue: 8)
        /// Many TLS handshakes are going on, and this one waits for its turn.
        static let handshaking = Pause(rawValue: 16)
        /// It has asked for all that it may in a second.
        static let overRate = Pause(rawValue: 32)
    }

    let descriptor: Int32
    let slot: UInt32
    let generation: UInt32
    var peer: Peer
    @safe @exclusivity(unchecked) var pause: Pause = []
    /// No further request is answered: this one said so, or was unreadable.
    var endsAfterResponse = false
    /// The request in hand is a HEAD.
    var omitsBody = false
    /// It is in the loop's `InboundLedger`.
    var holdsInput = false
    var interest: Readiness = .readable
    /// When it comes up in the timing wheel: at its deadline or before.
    var wheelTick: UInt32 = 0
    // Unchecked (docs/decisions/0009), as `pause`, `requests`, `machine` and `unread`: touched for each event of the
    // socket.
    @safe @exclusivity(unchecked) var life: ConnectionLife
    /// Only while HTTP is spoken.
    @safe @exclusivity(unchecked) var requests: RequestReader?
    @safe @exclusivity(unchecked) var machine: ConnectionMachine?
    /// Only while it waits for the broker.
    var pending: PendingAction?
    /// Input that came while paused, or what has come of a proxy's header.
    @safe @exclusivity(unchecked) var unread: [UInt8] = []

    init(descriptor: Int32, _ peer: Peer, _ key: StreamKey, _ life: consuming ConnectionLife, _ requests: RequestReader)
    {
        self.descriptor = descriptor
        self.peer = peer
        slot = key.slot
        generation = key.generation
        self.life = life
        self.requests = requests
    }

    var key: StreamKey { StreamKey(slot: slot, generation: generation) }
    var phase: ConnectionLife.Phase { life.phase }
    var isPaused: Bool { !pause.isEmpty }
    /// Whether it has sent nothing yet.
    var isSilent: Bool { phase == .http && life.deadline == .request && requests?.isIdle == true }
}

/// The request parser of a connection, let go of when it becomes a WebSocket.
final class RequestReader {
    // Unchecked (docs/decisions/0009): touched for each request.
    @safe @exclusivity(unchecked) private var parser: RequestParser
    /// What becomes of the request in hand; nil before its head has arrived.
    var route: Route?
    /// The page that the browser may show the answer to.
    var sharedOrigin: String?

    init(limits: RequestParser.Limits) {
        parser = RequestParser(limits: limits)
    }

    var isIdle: Bool { parser.isIdle }
    var heldBytes: Int { parser.heldBytes }

    func takeRoute() -> Route? {
        defer { route = nil }
        return route
    }

    func next(_ input: RawSpan, from offset: inout Int) throws(HTTPViolation) -> RequestParser.Event? {
        try parser.next(input, from: &offset)
    }
}

/// What a connection does once the broker has answered; indirect, so that an idle connection has a pointer's room for it.
indirect enum PendingAction {
    /// Open the WebSocket, with channels of which so many are not confirmed yet.
    case open(Handshake.Acceptance, channels: [String], unconfirmed: Int)
    /// Subscribe to more channels.
    case subscribe(Joining)
    /// Answer an HTTP publish.
    case answerPublish(channel: String)
    /// Reply to a client's publish.
    case confirmPublish(channel: String, id: [UInt8])
}

extension PendingAction {
    /// Notes that one of its channels is confirmed; true if no other is waited for.
    mutating func confirmsLast() -> Bool {
        switch self {
        case .open(let acceptance, let channels, let unconfirmed) where unconfirmed > 1:
            self = .open(acceptance, channels: channels, unconfirmed: unconfirmed - 1)
        case .subscribe(var joining) where joining.unconfirmed > 1:
            joining.unconfirmed -= 1
            self = .subscribe(joining)
        default: return true
        }
        return false
    }

    /// The channels that it waits for, or has waited for.
    var channels: [String] {
        switch self {
        case .open(_, let channels, _): channels
        case .subscribe(let joining): joining.joined
        case .answerPublish, .confirmPublish: []
        }
    }
}
