internal import Access
internal import HTTP
internal import WSLoop
internal import WebSocket

/// One client: a stream socket that first speaks HTTP, and then possibly WebSocket, or gets a stream.
///
/// Confined to its worker's loop. An idle WebSocket or stream owns only this object: no buffer, no parser, no timer, no
/// handle. Its outbox and subscriptions are in the hub, under its slot.
final class Connection {
    /// Why no input is read for now.
    struct Pause: OptionSet {
        let rawValue: UInt8
        /// It has a continuation, which waits for an answer.
        static let waiting = Pause(rawValue: 1)
        /// The client does not read its answers.
        static let unreadAnswers = Pause(rawValue: 2)
        /// It has used its share of the turn.
        static let othersFirst = Pause(rawValue: 4)
        /// Many TLS handshakes are in progress, and this one waits for its turn.
        static let handshaking = Pause(rawValue: 8)
        /// It has used its message rate for this second.
        static let overRate = Pause(rawValue: 16)
    }

    /// What is true of it; bits of one byte, since each idle connection pays for a byte that is over.
    private struct Marks: OptionSet {
        let rawValue: UInt8
        static let endsAfterResponse = Marks(rawValue: 1)
        static let omitsBody = Marks(rawValue: 2)
        static let holdsInput = Marks(rawValue: 4)
        static let isToldOfExpiry = Marks(rawValue: 8)
        static let wantsHello = Marks(rawValue: 16)
        static let isClient = Marks(rawValue: 32)
        static let watchesPresence = Marks(rawValue: 64)

        subscript(mark: Marks) -> Bool {
            get { contains(mark) }
            set { if newValue { insert(mark) } else { remove(mark) } }
        }
    }

    /// What it owns by what it speaks; one word, so that an idle connection pays nothing for an identity.
    private enum Role {
        case http(RequestReader)
        case anonymous
        case identified(Identity)
    }

    let descriptor: Int32
    let slot: UInt32
    let generation: UInt32
    var peer: Peer
    @safe @exclusivity(unchecked) var pause: Pause = []
    @safe @exclusivity(unchecked) private var marks: Marks = []
    var interest: Readiness = .readable
    /// When it comes up in the timing wheel: at its deadline or earlier.
    var wheelTick: UInt32 = 0
    /// When it became a WebSocket or a stream.
    var openedTick: UInt32 = 0
    // Unchecked (docs/decisions/0009), as `pause`, `role`, `machine` and `unread`: touched for each event of the
    // socket.
    @safe @exclusivity(unchecked) var life: ConnectionLife
    @safe @exclusivity(unchecked) private var role: Role
    @safe @exclusivity(unchecked) var machine: ConnectionMachine?
    /// Only while it waits for an answer.
    var continuation: Continuation?
    /// Input that arrived while paused, or the beginning of a proxy's header.
    @safe @exclusivity(unchecked) var unread: [UInt8] = []

    init(descriptor: Int32, _ peer: Peer, _ key: StreamKey, _ life: consuming ConnectionLife, _ requests: RequestReader)
    {
        self.descriptor = descriptor
        self.peer = peer
        slot = key.slot
        generation = key.generation
        self.life = life
        role = .http(requests)
    }

    /// No further request is answered, because this one asked for that or was unreadable.
    var endsAfterResponse: Bool {
        get { marks[.endsAfterResponse] }
        set { marks[.endsAfterResponse] = newValue }
    }

    /// The current request is a HEAD.
    var omitsBody: Bool {
        get { marks[.omitsBody] }
        set { marks[.omitsBody] = newValue }
    }

    /// It has an entry in the loop's `InboundLedger`.
    var holdsInput: Bool {
        get { marks[.holdsInput] }
        set { marks[.holdsInput] = newValue }
    }

    /// The client was told that its token expires soon.
    var isToldOfExpiry: Bool {
        get { marks[.isToldOfExpiry] }
        set { marks[.isToldOfExpiry] = newValue }
    }

    /// The client wants to be told the name of its connection when that is open (`hello=1`).
    var wantsHello: Bool {
        get { marks[.wantsHello] }
        set { marks[.wantsHello] = newValue }
    }

    /// The client wants to be told who comes to the channels of its URL and who leaves (`presence=1`).
    var watchesPresence: Bool {
        get { marks[.watchesPresence] }
        set { marks[.watchesPresence] = newValue }
    }

    /// It is counted among the clients of channels, and has a place among them.
    var isClient: Bool {
        get { marks[.isClient] }
        set { marks[.isClient] = newValue }
    }

    /// Only while it speaks HTTP.
    var requests: RequestReader? {
        if case .http(let requests) = role { requests } else { nil }
    }

    /// It speaks HTTP no more.
    func dropRequests() {
        if case .http(let requests) = role { role = requests.identity.map { .identified($0) } ?? .anonymous }
    }

    /// Who the client is; nil for one without a token.
    var identity: Identity? {
        get {
            switch role {
            case .http(let requests): requests.identity
            case .anonymous: nil
            case .identified(let identity): identity
            }
        }
        set {
            if case .http(let requests) = role {
                requests.identity = newValue
            } else {
                role = newValue.map { .identified($0) } ?? .anonymous
            }
        }
    }

    var key: StreamKey { StreamKey(slot: slot, generation: generation) }
    var phase: ConnectionLife.Phase { life.phase }
    var isPaused: Bool { !pause.isEmpty }
    /// Whether it gets messages of channels now.
    var isOpenClient: Bool { isClient && phase.isSubscribed }
    /// Whether it has sent nothing so far.
    var isSilent: Bool { phase == .http && life.deadline == .request && requests?.isIdle == true }
}

/// The request parser of a connection, freed when it becomes a WebSocket or a stream.
final class RequestReader {
    // Unchecked (docs/decisions/0009): touched for each request.
    @safe @exclusivity(unchecked) private var parser: RequestParser
    /// The route of the current request; nil before its head has arrived.
    var route: Route?
    /// The client's identity, for the WebSocket or the stream that it asks for.
    var identity: Identity?
    /// The origin whose pages may read the response.
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
