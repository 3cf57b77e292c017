internal import Bytes
public import Channels

/// The rules for channels: the first whose pattern matches decides.
///
/// Finding a rule costs a dictionary lookup, and a comparison for each pattern with a `*` before it. A class, because
/// loops, requests and messages share it.
public final class ChannelRules: Sendable {
    let rules: [ChannelRule]
    /// Why there can be no wildcards at all; nil if there can.
    let wildcardObstacle: String?
    /// The first rule of each name without a `*`, by its index.
    private let named: [ByteName: Int]
    /// The indices of the other rules.
    private let wild: [Int]
    private let publishDefault: ChannelRight
    /// Whether any channel may keep its messages.
    public let keepHistories: Bool
    /// Whether any channel may have presence.
    public let havePresence: Bool
    private let conflate: Bool
    private static let presenceGraceMilliseconds: UInt64 = 10_000

    /// Makes the rules.
    ///
    /// - Parameters:
    ///   - publishDefault: which clients may publish where no rule says so.
    ///   - wildcardObstacle: why there can be no wildcards, whatever the rules say; nil if there can.
    public init(
        _ rules: [ChannelRule] = [], publishDefault: ChannelRight = .nobody, wildcardObstacle: String? = nil
    ) {
        self.rules = rules
        self.wildcardObstacle = wildcardObstacle
        self.publishDefault = publishDefault
        keepHistories = rules.contains { $0.history != nil }
        havePresence = rules.contains { $0.presence == true }
        conflate = rules.contains { $0.conflateEveryMilliseconds != nil }
        wild = rules.indices.filter { !rules[$0].pattern.wildcard.isLiteral }
        let literal = rules.indices.filter { rules[$0].pattern.wildcard.isLiteral }
        named = Dictionary(
            literal.map { (ByteName(rules[$0].pattern.text), $0) }, uniquingKeysWith: { first, _ in first })
    }

    /// The rule that applies to a channel; nil if the server's defaults do.
    public func rule(for channel: String) -> ChannelRule? {
        guard !rules.isEmpty else { return nil }
        let exact = named[ByteName(channel)] ?? rules.endIndex
        let index = wild.first { $0 > exact || rules[$0].pattern.matches(channel) }.map { min($0, exact) } ?? exact
        return index < rules.endIndex ? rules[index] : nil
    }

    /// What a channel keeps of its messages; nil if it keeps nothing, as a wildcard does.
    public func history(of channel: String) -> HistoryLimits? {
        guard let limits = rule(for: channel)?.history, !channel.isWildcard else { return nil }
        return limits
    }

    /// How long a member of a channel may be away before it has left, in milliseconds; nil if the channel has no
    /// presence, as a wildcard has none.
    public func presenceGrace(of channel: String) -> UInt64? {
        guard havePresence, let rule = rule(for: channel), rule.presence == true, !channel.isWildcard else {
            return nil
        }
        return rule.presenceGraceMilliseconds ?? ChannelRules.presenceGraceMilliseconds
    }

    /// In so many nanoseconds a channel sends at most the newest message of each key; 0 if it sends all.
    public func intervalNanoseconds(of channel: String) -> UInt64 {
        guard conflate else { return 0 }
        return (rule(for: channel)?.conflateEveryMilliseconds ?? 0) * 1_000_000
    }

    /// Which clients may do something with a channel.
    public func right(to action: ChannelAction, _ channel: String) -> ChannelRight {
        rule(for: channel)?.right(to: action) ?? (action == .publish ? publishDefault : .anyone)
    }

    /// Decides whether a client may do something with a channel, or subscribe to a wildcard.
    ///
    /// - Parameters:
    ///   - identity: who the client is; nil if it has no token and the backend was not asked.
    ///   - isSubscribed: whether the client is subscribed to the channel; evaluated only if that decides.
    public func decision(
        to action: ChannelAction, _ channel: String, by identity: Identity?,
        isSubscribed: @autoclosure () -> Bool = false
    ) -> Decision {
        if action == .subscribe, let prefix = channel.wildcardPrefix {
            return decision(toSubscribeTo: channel, prefix: prefix, by: identity)
        }
        return decision(by: right(to: action, channel), to: action, channel, identity, isSubscribed: isSubscribed)
    }

    func decision(
        by right: ChannelRight, to action: ChannelAction, _ channel: String, _ identity: Identity?,
        isSubscribed: () -> Bool
    ) -> Decision {
        switch right {
        case .anyone: return .allow
        case .subscribers: return isSubscribed() ? .allow : .deny(.notSubscribed)
        case .token:
            guard let identity else { return .deny(.tokenMissing) }
            return identity.isGranted(action, channel) ? .allow : .deny(.notGranted)
        case .ask:
            // The backend is not asked about the history and members: subscribers may read both.
            guard action == .history || action == .presence else { return .ask }
            return isSubscribed() ? .allow : .deny(.notSubscribed)
        case .nobody: return .deny(.nobodyMay(action))
        }
    }
}
