public import Channels

/// What applies to the channels that match a pattern; a setting that is nil has the server's default.
public struct ChannelRule: Equatable, Sendable {
    /// The channels.
    public let pattern: ChannelPattern
    /// Who may subscribe; by default anyone.
    public var subscribe: ChannelRight?
    /// Which clients may publish; by default nobody, or subscribers with `--allow-client-publish`.
    public var publish: ChannelRight?
    /// What happens to messages for a connection that does not keep up.
    public var slowConsumer: SlowConsumerPolicy?
    /// In so many milliseconds the channels send at most the newest message of each key; by default they send all.
    public var conflateEveryMilliseconds: UInt64?
    /// Whether one subscription may be for all channels with a common beginning; by default not.
    public var wildcard: Bool?
    /// What the channels keep of their messages; by default nothing.
    public var history: HistoryLimits?
    /// Whether it is known who is in the channels; by default not.
    public var presence: Bool?
    /// How long a member may be away before it has left; 10 seconds by default.
    public var presenceGraceMilliseconds: UInt64?

    /// A rule that sets nothing yet.
    public init(_ pattern: ChannelPattern) {
        self.pattern = pattern
    }

    /// The right that the rule sets for an action; past messages and members are for those that get the new
    /// messages.
    public func right(to action: ChannelAction) -> ChannelRight? {
        switch action {
        case .subscribe, .history, .presence: subscribe
        case .publish: publish
        }
    }
}
