internal import Bytes
internal import Channels

// A subscription to `orders.*` is one to all channels that begin with `orders.`, also to those that nobody knows yet.
extension ChannelRules {
    /// Decides whether a client may subscribe to a wildcard.
    ///
    /// Every rule that decides about one of its channels must allow it. Where there may be channels without a rule, it
    /// is refused.
    func decision(toSubscribeTo wildcard: String, prefix: String, by identity: Identity?) -> Decision {
        if let wildcardObstacle { return .deny(.noWildcard(wildcardObstacle)) }
        guard !prefix.utf8.contains(UInt8(ascii: "*")) else {
            return .deny(.noWildcard("a wildcard has one *, at its end"))
        }
        var isAsked = false
        for rule in rules where rule.pattern.wildcard.matchesAny(beginningWith: prefix) {
            guard rule.wildcard == true else { break }
            let decision = decision(
                by: rule.right(to: .subscribe) ?? .anyone, to: .subscribe, wildcard, identity, isSubscribed: { false })
            switch decision {
            case .deny: return decision
            case .ask: isAsked = true
            case .allow: break
            }
            if rule.pattern.wildcard.matchesAll(beginningWith: prefix) { return isAsked ? .ask : .allow }
        }
        return .deny(.noWildcard("a wildcard needs wildcard=allow in all rules of its channels (--channel)"))
    }
}
