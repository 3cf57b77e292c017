internal import Bytes

/// Who a client is and what it may do, according to its token or to the backend.
///
/// It never changes, and may be used on any thread. A connection without a token has none. It has 56 bytes, since each
/// connection with a token keeps one: grants are shared, and what few tokens have is apart from it.
public final class Identity: Sendable {
    /// The user's name.
    public let user: String
    private let rights: Rights
    private let markValue: UInt64
    private let expiry: UnixSecond
    private let issue: UnixSecond

    /// Makes an identity.
    public convenience init(
        user: String, isNamed: Bool = true, info: [UInt8]? = nil, grants: Grants = Grants(), channels: [String] = [],
        expiresAt: Int? = nil, issuedAt: Int? = nil, mark: TokenMark? = nil, tokenKey: UInt64? = nil
    ) {
        let hasGrants = grants != Grants() || tokenKey != nil
        self.init(
            user: user, isNamed: isNamed, info: info,
            sharing: hasGrants ? SharedGrants(grants, tokenKey: tokenKey) : nil,
            channels: channels, expiresAt: expiresAt, issuedAt: issuedAt, mark: mark)
    }

    /// Makes an identity with grants that others have as well.
    public init(
        user: String, isNamed: Bool, info: [UInt8]?, sharing grants: SharedGrants?, channels: [String],
        expiresAt: Int?, issuedAt: Int?, mark: TokenMark?
    ) {
        self.user = user
        if info != nil || !channels.isEmpty || !isNamed {
            rights = .detailed(IdentityDetails(isNamed: isNamed, info: info, channels: channels, grants: grants))
        } else {
            rights = grants.map { .granted($0) } ?? .none
        }
        markValue = mark?.value ?? 0
        expiry = UnixSecond(expiresAt)
        issue = UnixSecond(issuedAt)
    }

    /// Whether the issuer named the user.
    public var isNamed: Bool { details?.isNamed ?? true }
    /// What others see of the user in presence, as JSON text.
    public var info: [UInt8]? { details?.info }
    /// What the client may do.
    public var grants: Grants { sharedGrants?.grants ?? Grants() }
    /// The fingerprint of the key that its token was verified with; nil if the client has no token.
    public var tokenKey: UInt64? { sharedGrants?.tokenKey }
    /// The channels that the client joins when it connects; it may subscribe to them.
    public var channels: [String] { details?.channels ?? [] }
    /// When the identity ends, in seconds of Unix time.
    public var expiresAt: Int? { expiry.seconds }
    /// When it was issued, in seconds of Unix time.
    public var issuedAt: Int? { issue.seconds }
    /// What recognises the token; nil if the identity is the backend's.
    public var mark: TokenMark? { TokenMark(value: markValue) }

    private var details: IdentityDetails? { if case .detailed(let details) = rights { details } else { nil } }

    private var sharedGrants: SharedGrants? {
        switch rights {
        case .none: nil
        case .granted(let grants): grants
        case .detailed(let details): details.grants
        }
    }

    /// Whether a grant allows an action where a rule asks for a token.
    func isGranted(_ action: ChannelAction, _ channel: String) -> Bool {
        sharedGrants?.grants.allow(action, channel) == true
            || action == .subscribe && channels.contains { ByteName($0) == ByteName(channel) }
    }
}

/// What many identities have in one place: their grants, and the key of their tokens.
public final class SharedGrants: Sendable {
    let grants: Grants
    let tokenKey: UInt64?

    /// Makes grants that can be shared.
    ///
    /// - Parameter tokenKey: the fingerprint of the key that their tokens were verified with; nil for none.
    public init(_ grants: Grants, tokenKey: UInt64?) {
        (self.grants, self.tokenKey) = (grants, tokenKey)
    }
}

/// What a token says besides who and when, in one word.
private enum Rights: Sendable {
    case none
    case granted(SharedGrants)
    case detailed(IdentityDetails)
}

private final class IdentityDetails: Sendable {
    let isNamed: Bool
    let info: [UInt8]?
    let channels: [String]
    let grants: SharedGrants?

    init(isNamed: Bool, info: [UInt8]?, channels: [String], grants: SharedGrants?) {
        (self.isNamed, self.info, self.channels, self.grants) = (isNamed, info, channels, grants)
    }
}

/// A time from 1970 to 2106, or none, in four bytes.
private struct UnixSecond {
    private let value: UInt32

    init(_ seconds: Int?) {
        value = seconds.map { UInt32(clamping: max($0, 1)) } ?? 0
    }

    var seconds: Int? { value == 0 ? nil : Int(value) }
}
