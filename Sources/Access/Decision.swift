/// Whether a client may do something with a channel.
public enum Decision: Equatable, Sendable {
    /// It may.
    case allow
    /// It may not.
    case deny(ChannelDenial)
    /// The backend decides.
    case ask

    /// Why it may not do so now; nil if it may.
    ///
    /// What cannot be decided is refused.
    public var denial: ChannelDenial? {
        switch self {
        case .allow: nil
        case .deny(let denial): denial
        case .ask: .undecided
        }
    }
}

/// Why a client may not do something with a channel.
public enum ChannelDenial: Error, Equatable, Sendable {
    /// No client may do it.
    case nobodyMay(ChannelAction)
    /// Only clients with a token may, and this one has none.
    case tokenMissing
    /// The client's token does not grant it.
    case notGranted
    /// A client may publish only to channels that it is subscribed to.
    case notSubscribed
    /// A subscription to a wildcard is not possible, for this reason.
    case noWildcard(String)
    /// The backend should decide, and cannot be asked.
    case undecided
    /// The backend has refused it, perhaps with a reason.
    case refused(reason: String?)

    /// A short name for programs, which does not change.
    public var code: String {
        switch self {
        case .nobodyMay, .notGranted, .refused: "not_allowed"
        case .tokenMissing: "token_required"
        case .notSubscribed: "not_subscribed"
        case .noWildcard: "no_wildcard"
        case .undecided: "undecided"
        }
    }

    /// One sentence for the client.
    public var message: String {
        switch self {
        case .nobodyMay(.subscribe): "clients may not subscribe to this channel (--channel)"
        case .nobodyMay(.publish): "clients may not publish to this channel (--allow-client-publish, --channel)"
        case .nobodyMay(.history), .nobodyMay(.presence): "clients may not read this channel (--channel)"
        case .tokenMissing: "this channel needs a token"
        case .notGranted: "the token does not grant this channel"
        case .notSubscribed: "only to a channel that was subscribed to"
        case .noWildcard(let reason): reason
        case .undecided: "it cannot be decided now whether this is allowed"
        case .refused(let reason): reason ?? "this is not allowed"
        }
    }
}
