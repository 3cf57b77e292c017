internal import Bytes
public import Channels

/// What a token or the backend allows a client to do, by patterns of channel names.
public struct Grants: Equatable, Sendable {
    /// Channels to subscribe to.
    public var subscribe: [ChannelPattern]
    /// Channels to publish to.
    public var publish: [ChannelPattern]
    /// Channels whose members it may list.
    public var presence: [ChannelPattern]
    /// Channels whose history it may read.
    public var history: [ChannelPattern]

    /// Makes the grants.
    public init(
        subscribe: [ChannelPattern] = [], publish: [ChannelPattern] = [], presence: [ChannelPattern] = [],
        history: [ChannelPattern] = []
    ) {
        self.subscribe = subscribe
        self.publish = publish
        self.presence = presence
        self.history = history
    }

    /// Whether a pattern for the action matches the channel, or all channels of a wildcard to subscribe to.
    func allow(_ action: ChannelAction, _ channel: String) -> Bool {
        let patterns =
            switch action {
            case .subscribe: subscribe
            case .publish: publish
            case .history: history
            case .presence: presence
            }
        guard action == .subscribe, let prefix = channel.wildcardPrefix else {
            return patterns.contains { $0.matches(channel) }
        }
        return patterns.contains { $0.wildcard.matchesAll(beginningWith: prefix) }
    }
}
