internal import Access
internal import Channels

/// What a client of Pusher's protocol may do, and who it is.
///
/// Small, as each connection has one.
public struct PusherSession {
    /// Who the client is; few have anything there.
    private final class Person {
        /// Who has signed in, with the data for the answer.
        var user: (member: PusherMember, data: String)?
        /// The user that the client is in each presence channel.
        var users: [String: String] = [:]
    }

    /// Nil if the server ends the connection at once.
    public var app: PusherApp?
    private let socket: SocketID
    /// Nil until the client is somebody.
    private var person: Person?

    /// A client of an application that is not signed in.
    public init(_ app: PusherApp?, _ socket: SocketID) {
        (self.app, self.socket) = (app, socket)
    }

    /// Handles a frame.
    public mutating func step(text: RawSpan) -> ClientStep {
        do throws(PusherViolation) {
            switch try PusherRequest(parsing: text) {
            case .ping: return .run(.ping, id: [])
            case .pong: return .nothing
            case .subscribe(let channel, let auth, let channelData): return subscribe(channel, auth, channelData)
            case .unsubscribe(let channel):
                person?.users[channel] = nil
                return .run(.unsubscribe([channel]), id: [])
            case .signIn(let auth, let userData): return signIn(auth, userData)
            case .event(let name, let channel, let data): return send(name, to: channel, data)
            }
        } catch {
            return .reply(PusherText.error(nil, error.message))
        }
    }

    /// Refuses bytes.
    public func step(binary: RawSpan) -> ClientStep {
        .reply(PusherText.error(nil, PusherViolation.binary.message))
    }

    /// The frame for an outcome; nil for what needs no answer.
    public func reply(to id: [UInt8], _ outcome: CommandOutcome) -> [UInt8]? {
        switch outcome {
        case .pong: return PusherText.pong
        case .subscribed(let channel, _, let members): return PusherText.subscribed(to: channel, members)
        case .signedIn: return person?.user.map { PusherText.signedIn(userData: $0.data) }
        case .refused(let refusal, let channel?):
            person?.users[channel] = nil
            return PusherSession.subscriptionError(channel, refusal)
        case .refused(let refusal, nil): return PusherText.error(PusherSession.clientEventCode, refusal.message)
        case .unsubscribed, .published, .history, .presence, .refreshed: return nil
        }
    }

    /// The frame for an event.
    public func text(for event: ConnectionEvent) -> [UInt8]? {
        switch event {
        case .hello: return PusherText.established(socket)
        case .nothingKept(let channel): return PusherText.cacheMiss(in: channel)
        case .watching(let online):
            let users = zip(person?.user?.member.watchlist ?? [], online)
            return PusherText.watchlist(
                online: users.filter(\.1).map(\.0), offline: users.filter { !$0.1 }.map(\.0))
        case .unsubscribed(let channel, let denial):
            person?.users[channel] = nil
            return PusherText.subscriptionError(channel, denial.message, status: 401)
        case .removed(let channel, let reason, _):
            person?.users[channel] = nil
            return PusherText.subscriptionError(channel, reason, status: 403)
        case .expiring, .subscribed: return nil
        }
    }

    /// With it errors about client events come; the connection stays open.
    private static let clientEventCode = 4301

    private static func subscriptionError(_ channel: String, _ refusal: CommandRefusal) -> [UInt8] {
        guard case .denied = refusal else {
            return PusherText.subscriptionError(channel, type: "LimitReached", refusal.message, status: 400)
        }
        return PusherText.subscriptionError(channel, refusal.message, status: 401)
    }
}

@available(*, unavailable)
extension PusherSession: Sendable {}

// MARK: - Commands

extension PusherSession {
    private mutating func subscribe(_ name: String, _ auth: String, _ channelData: String?) -> ClientStep {
        do throws(PusherViolation) {
            guard let channel = PusherChannel(name) else { throw .badChannel }
            var options = SubscribeOptions()
            switch channel.access {
            case .open: break
            case .user(let user): guard person?.user?.member.id == user else { throw .notSignedIn }
            case .signed: try check(auth, of: "\(socket.text):\(name)")
            case .presence:
                let member = try member(of: name, auth, channelData)
                known().users[name] = member.id
                options.member = ChannelMember(user: member.id, info: member.info, limit: app?.options.maxMembers)
            }
            if channel.isCache { options.history = HistoryRequest(last: 1) }
            return .run(.subscribe([name], options), id: [])
        } catch {
            return .reply(PusherText.subscriptionError(name, error.message, status: error.status))
        }
    }

    /// Who the client is in a presence channel: as the channel's signature says, or as it has signed in.
    private func member(
        of channel: String, _ auth: String, _ channelData: String?
    ) throws(PusherViolation) -> PusherMember {
        guard let channelData else {
            try check(auth, of: "\(socket.text):\(channel)")
            guard let user = person?.user else { throw .noChannelData }
            return user.member
        }
        try check(auth, of: "\(socket.text):\(channel):\(channelData)")
        return try PusherMember(channelData: channelData)
    }

    private mutating func signIn(_ auth: String, _ userData: String) -> ClientStep {
        do throws(PusherViolation) {
            try check(auth, of: "\(socket.text)::user::\(userData)")
            let member = try PusherMember(userData: userData)
            guard person?.user == nil else { throw .otherUser }
            known().user = (member, userData)
            return .run(
                .signIn(
                    user: member.id, channel: PusherChannel.whereOnline(member.id),
                    watching: member.watchlist.map { PusherChannel.whereOnline($0) }), id: [])
        } catch {
            let code = error == .badWatchlist ? PusherSession.watchlistCode : PusherSession.unauthorizedCode
            return .reply(PusherText.error(code, error.message))
        }
    }

    private static let unauthorizedCode = 4009
    private static let watchlistCode = 4302

    private func send(_ name: String, to channel: String, _ data: [UInt8]?) -> ClientStep {
        do throws(PusherViolation) {
            guard let known = PusherChannel(channel), known.takesClientEvents else { throw .noClientEvents }
            guard PusherEvent.isValid(name) else { throw .badEventName }
            guard data?.count ?? 0 <= PusherEvent.maxClientDataBytes else { throw .tooLarge }
        } catch {
            return .reply(PusherText.error(PusherSession.clientEventCode, error.message))
        }
        let payload = PusherEvent.payload(name, data: data, user: person?.users[channel], excluding: socket.text)
        return .run(.relay(channel: channel, data: payload, perSecond: app?.options.maxClientEvents), id: [])
    }

    /// The client is somebody from now on.
    private mutating func known() -> Person {
        let person = person ?? Person()
        self.person = person
        return person
    }

    private func check(_ auth: String, of text: String) throws(PusherViolation) {
        guard app?.accepts(auth: auth, of: text) == true else { throw .badSignature }
    }
}
