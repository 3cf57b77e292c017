internal import Bytes

// Wildcards. Redis sends a message once for the channel's own name, and once for each pattern; one of them counts.
//
// The replies to SUBSCRIBE, UNSUBSCRIBE and the like come on the same connection as the messages, and never between the
// copies of one. So what Redis has confirmed and not ended is exactly what it sends a message by.
extension SubscriptionLedger {
    /// Whether a message that came by a Redis channel's own name comes by a wildcard as well, and that counts.
    ///
    /// That is so while a channel with several names waits for the confirmation of another one.
    func comesByWildcard(_ channel: String, named name: RawSpan) -> Bool {
        guard !wildcards.isEmpty, !comesByName(channel), !wildcards.matches(channel).isEmpty else { return false }
        return ByteName(names.map.publishTarget(for: channel)).hasBytes(name)
    }

    /// The channel of a message that came by a pattern; the longest wildcard counts, unless it also comes otherwise.
    func channel(forRedis name: RawSpan, byPattern pattern: RawSpan) -> RedisChannelMap.PatternMatch {
        let match = names.map.channel(forRedis: name, byPattern: pattern)
        guard match == .comesOtherwise, !wildcards.isEmpty, !names.map.isAlias(name),
            let channel = names.map.channel(behindPrefix: name), !names.map.isCovered(channel), !comesByName(channel),
            let wildcard = longestWildcard(of: channel),
            ByteName(names.map.redisPattern(for: wildcard.text)).hasBytes(pattern)
        else { return match }
        return .channel(channel)
    }

    /// A channel whose own name ends with `*` belongs to the wildcard of that name.
    private func longestWildcard(of channel: String) -> ByteName? {
        wildcards.contains(channel) ? ByteName(channel) : wildcards.matches(channel).last
    }

    private func comesByName(_ channel: String) -> Bool {
        guard !channel.isWildcard else { return false }
        return isConfirmed(channel) || departing.contains(ByteName(names.map.publishTarget(for: channel)))
    }

    /// Has Redis end a subscription.
    mutating func leave(_ channel: String) {
        if channel.isWildcard {
            leavingPatterns += names.redisChannels(for: channel)
        } else {
            leaving += names.redisChannels(for: channel)
        }
    }

    /// Redis has ended the subscription to one of its channels, as it was asked.
    mutating func ended(redisChannel name: String) { departing.remove(ByteName(name)) }

    /// Redis has ended the subscription to a wildcard, as it was asked.
    mutating func ended(wildcard: String) { wildcards.remove(wildcard) }
}
