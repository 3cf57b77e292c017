/// What a client may be allowed to do with a channel.
public enum ChannelAction: String, Sendable {
    /// To receive its messages.
    case subscribe
    /// To send messages to its subscribers.
    case publish
    /// To read its past messages.
    case history
    /// To see who is in it.
    case presence
}

/// Which clients may do something with a channel.
public enum ChannelRight: String, CaseIterable, Sendable {
    /// All of them.
    case anyone
    /// Those that are subscribed to the channel; only for publishing.
    case subscribers
    /// Those whose token grants it.
    case token
    /// Those for which the backend says so.
    case ask
    /// None.
    case nobody
}

extension ChannelAction {
    /// The rights that a rule can give for the action.
    public var rights: [ChannelRight] {
        self == .publish ? ChannelRight.allCases : ChannelRight.allCases.filter { $0 != .subscribers }
    }
}
