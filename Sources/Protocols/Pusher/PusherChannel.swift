public import Access
internal import Channels

/// What the name of a channel means to Pusher's clients.
public struct PusherChannel: Equatable, Sendable {
    /// Who may subscribe.
    enum Access: Equatable {
        /// Whoever the rules of channels allow it.
        case open
        /// Clients that have a signature for the channel.
        case signed
        /// The same, and the channel knows who is in it.
        case presence
        /// The client that has signed in as this user.
        case user(String)
    }

    /// The longest name.
    public static let maxBytes = 200
    private static let userPrefix = "#server-to-user-"
    private static let onlinePrefix = "#online-"

    let name: String
    let access: Access

    /// Nil for a name that no such channel can have.
    init?(_ name: String) {
        self.name = name
        if name.hasPrefix(PusherChannel.userPrefix) {
            let user = String(name.dropFirst(PusherChannel.userPrefix.count))
            guard ChannelName.isValid(name), !user.isEmpty else { return nil }
            access = .user(user)
            return
        }
        guard PusherChannel.isPlain(name) else { return nil }
        access = name.hasPrefix("presence-") ? .presence : name.hasPrefix("private-") ? .signed : .open
    }

    /// Whether application servers may publish to a channel of this name.
    public static func isValid(_ name: String) -> Bool { PusherChannel(name) != nil }

    /// Whether a channel has members.
    public static func hasMembers(_ name: String) -> Bool { name.hasPrefix("presence-") }

    /// Whether clients are told how many subscriptions a channel has, if their application wants that: in presence
    /// channels they see who is there.
    public static func isCounted(_ name: String) -> Bool { !hasMembers(name) && isPlain(name) }

    /// The channel that the client of a user gets its messages in.
    public static func ofUser(_ user: String) -> String { userPrefix + user }

    /// The channel that a user is in while it is signed in; nobody subscribes to it.
    static func whereOnline(_ user: String) -> String { onlinePrefix + user }

    /// The user whose channel this is.
    static func online(in channel: String) -> String? {
        channel.hasPrefix(onlinePrefix) ? String(channel.dropFirst(onlinePrefix.count)) : nil
    }

    /// Whether it is a user's own, of which nobody is told.
    var isOfUser: Bool { if case .user = access { true } else { false } }

    /// Whether it keeps its last event for clients that come later.
    var isCache: Bool {
        ["cache-", "private-cache-", "presence-cache-", "private-encrypted-cache-"].contains { name.hasPrefix($0) }
    }

    /// Whether its clients may send events to each other; the server could not read encrypted ones.
    var takesClientEvents: Bool {
        switch access {
        case .signed: !name.hasPrefix("private-encrypted-")
        case .presence: true
        case .open, .user: false
        }
    }

    /// Whether a client that is in the channel has proved a right of its own to it.
    static func isProved(_ name: String) -> Bool {
        guard let channel = PusherChannel(name) else { return false }
        return channel.access != .open
    }

    private static func isPlain(_ name: String) -> Bool {
        guard 1...maxBytes ~= name.utf8.count else { return false }
        return name.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "a")...UInt8(ascii: "z"):
                true
            default: "_-=@,.;".utf8.contains(byte)
            }
        }
    }
}

// MARK: - Rules

extension PusherChannel {
    /// The rules that such channels have behind those of the operator: clients of other protocols need a token for the
    /// channels that Pusher's clients need a signature for, presence channels know who is there, and cache channels
    /// keep the last event for half an hour.
    public static let rules: [ChannelRule] = [
        rule(userPrefix + "*", isClosed: true),
        onlineRule,
        rule("presence-cache-*", isClosed: true, keepsLast: true, hasMembers: true),
        rule("presence-*", isClosed: true, hasMembers: true),
        rule("private-cache-*", isClosed: true, keepsLast: true),
        rule("private-encrypted-cache-*", isClosed: true, keepsLast: true),
        rule("private-*", isClosed: true),
        rule("cache-*", keepsLast: true),
    ].compactMap(\.self)

    /// A user who comes back soon was not offline.
    private static let onlineRule: ChannelRule? = {
        var online = PusherChannel.rule(onlinePrefix + "*", hasMembers: true)
        online?.subscribe = .nobody
        online?.presenceGraceMilliseconds = 2000
        return online
    }()

    private static func rule(
        _ pattern: String, isClosed: Bool = false, keepsLast: Bool = false, hasMembers: Bool = false
    ) -> ChannelRule? {
        guard let pattern = ChannelPattern(pattern) else { return nil }
        var rule = ChannelRule(pattern)
        if isClosed { rule.subscribe = .token }
        if keepsLast { rule.history = HistoryLimits(maxMessages: 1, maxAgeSeconds: 1800) }
        if hasMembers { (rule.presence, rule.presenceGraceMilliseconds) = (true, 0) }
        return rule
    }
}
