public import Bytes

/// What becomes of a channel's messages for a connection that does not keep up.
public enum SlowConsumerPolicy: String, CaseIterable, Sendable {
    /// Past the bound the connection is closed; it misses nothing unnoticed.
    case disconnect
    /// Past the bound the oldest messages make room for the new ones.
    case dropOldest = "drop-oldest"
    /// Past the bound new messages are dropped until what waits has been read.
    case dropNewest = "drop-newest"
    /// Of what waits, only the newest message of each channel is kept, or of each key where the publisher gives one.
    case conflate
}

/// Why messages that were queued for a slow consumer were dropped.
public enum DropCause: Int, CaseIterable, Sendable {
    /// The connection was given up, since it passed its bound.
    case disconnect
    /// To make room for newer ones.
    case dropOldest
    /// There was no room behind older ones.
    case dropNewest
    /// A newer one takes its place.
    case conflate
    /// The connection was given up: the server passed its budget, and this queue was among the largest.
    case overBudget
}

/// Which policy holds for which channel.
public struct SlowConsumerPolicies: Sendable {
    /// A policy for the channels of a pattern.
    public struct Rule: Equatable, Sendable {
        /// Which channels.
        public let pattern: ChannelPattern
        /// Their policy.
        public let policy: SlowConsumerPolicy

        /// Makes a rule.
        public init(_ pattern: ChannelPattern, _ policy: SlowConsumerPolicy) {
            (self.pattern, self.policy) = (pattern, policy)
        }
    }

    /// The policy of a channel that no rule is for.
    public var otherwise: SlowConsumerPolicy
    /// The first rule whose pattern matches decides.
    public var rules: [Rule]

    /// Makes a set of rules.
    public init(_ otherwise: SlowConsumerPolicy = .disconnect, rules: [Rule] = []) {
        (self.otherwise, self.rules) = (otherwise, rules)
    }

    /// The policy of a channel.
    public func policy(of channel: String) -> SlowConsumerPolicy {
        rules.first { $0.pattern.matches(channel) }?.policy ?? otherwise
    }
}

/// A pattern of channel names: `*` stands for any bytes, also none; every other byte for itself.
public struct ChannelPattern: Equatable, Sendable {
    /// What it consists of.
    public let wildcard: Wildcard

    /// As it was written.
    public var text: String { wildcard.text }

    /// Reads a pattern; nil if no channel's name could match it.
    public init?(_ text: String) {
        guard ChannelName.isValid(text) else { return nil }
        wildcard = Wildcard(text)
    }

    /// Whether a name matches; takes at most the product of both lengths.
    public func matches(_ name: String) -> Bool { wildcard.matches(name) }
}
