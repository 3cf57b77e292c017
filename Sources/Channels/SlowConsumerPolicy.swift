public import Bytes

/// What happens to a channel's messages for a connection that does not keep up.
public enum SlowConsumerPolicy: String, CaseIterable, Sendable {
    /// At the limit the connection is closed, so the client knows that it missed messages.
    case disconnect
    /// At the limit the oldest messages are dropped in favour of new ones.
    case dropOldest = "drop-oldest"
    /// At the limit new messages are dropped until the client has read its queue.
    case dropNewest = "drop-newest"
    /// Only the newest queued message of each channel is kept, or of each key if the publisher gives keys.
    case conflate
}

/// Why messages were dropped: queued ones of a slow consumer, or one of a channel that sends only its newest.
public enum DropCause: Int, CaseIterable, Sendable {
    /// The connection was closed, because it exceeded its limit.
    case disconnect
    /// To make room for newer ones.
    case dropOldest
    /// There was no room after older messages.
    case dropNewest
    /// A newer message replaced it.
    case conflate
    /// The connection was closed, because the server exceeded its budget and this queue was among the largest.
    case overBudget
    /// A newer message has come within the channel's interval; also of clients that keep up.
    case interval
}

/// The policy of each channel.
public struct SlowConsumerPolicies: Sendable {
    /// A policy for the channels that match a pattern.
    public struct Rule: Equatable, Sendable {
        /// The channels.
        public let pattern: ChannelPattern
        /// Their policy; nil if this rule sets none.
        public let policy: SlowConsumerPolicy?

        /// Makes a rule.
        public init(_ pattern: ChannelPattern, _ policy: SlowConsumerPolicy?) {
            (self.pattern, self.policy) = (pattern, policy)
        }
    }

    /// The policy of channels that match no rule.
    public var otherwise: SlowConsumerPolicy
    /// The rules; the first match decides.
    public var rules: [Rule]
    /// The rules for channels (`--channel`), which come before: the first match decides if it sets a policy.
    public var channelRules: [Rule] = []

    /// Makes a set of rules.
    public init(_ otherwise: SlowConsumerPolicy = .disconnect, rules: [Rule] = []) {
        (self.otherwise, self.rules) = (otherwise, rules)
    }

    /// The policy of a channel.
    public func policy(of channel: String) -> SlowConsumerPolicy {
        policy(of: channel, by: channelRules) ?? policy(of: channel, by: rules) ?? otherwise
    }

    private func policy(of channel: String, by rules: [Rule]) -> SlowConsumerPolicy? {
        rules.first { $0.pattern.matches(channel) }?.policy
    }
}

/// A pattern for channel names: `*` matches any number of bytes, including none, and every other byte matches itself.
public struct ChannelPattern: Equatable, Sendable {
    /// The parsed pattern.
    public let wildcard: Wildcard

    /// The pattern as it was written.
    public var text: String { wildcard.text }

    /// Parses a pattern; nil if no channel name can match it.
    public init?(_ text: String) {
        guard ChannelName.isValid(text) else { return nil }
        wildcard = Wildcard(text)
    }

    /// Whether a name matches; the time is at most proportional to the product of both lengths.
    public func matches(_ name: String) -> Bool { wildcard.matches(name) }
}
