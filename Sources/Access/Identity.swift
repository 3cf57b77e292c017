internal import Bytes

/// Who a client is and what it may do, according to its token or to the backend.
///
/// It never changes, and may be used on any thread. A connection without a token has none. It has 56 bytes, since each
/// connection with a token keeps one; what few tokens have is apart from it, and grants are shared.
public final class Identity: Sendable {
    /// The user's name.
    public let user: String
    private let sharedGrants: SharedGrants?
    private let details: IdentityDetails?
    private let expiry: UnixSecond
    private let issue: UnixSecond

    /// Makes an identity.
    public convenience init(
        user: String, isNamed: Bool = true, info: [UInt8]? = nil, grants: Grants = Grants(), channels: [String] = [],
        expiresAt: Int? = nil, issuedAt: Int? = nil, tokenID: String? = nil, tokenKey: UInt64? = nil
    ) {
        let hasGrants = grants != Grants() || tokenKey != nil
        self.init(
            user: user, isNamed: isNamed, info: info,
            sharing: hasGrants ? SharedGrants(grants, tokenKey: tokenKey) : nil,
            channels: channels, expiresAt: expiresAt, issuedAt: issuedAt, tokenID: tokenID)
    }

    /// Makes an identity with grants that others have as well.
    public init(
        user: String, isNamed: Bool, info: [UInt8]?, sharing grants: SharedGrants?, channels: [String],
        expiresAt: Int?, issuedAt: Int?, tokenID: String?
    ) {
        self.user = user
        sharedGrants = grants
        let hasDetails = info != nil || !channels.isEmpty || tokenID != nil || !isNamed
        details =
            hasDetails ? IdentityDetails(isNamed: isNamed, info: info, channels: channels, tokenID: tokenID) : nil
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
    /// The identifier of the token (`jti`).
    public var tokenID: String? { details?.tokenID }

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

private final class IdentityDetails: Sendable {
    let isNamed: Bool
    let info: [UInt8]?
    let channels: [String]
    let tokenID: String?

    init(isNamed: Bool, info: [UInt8]?, channels: [String], tokenID: String?) {
        (self.isNamed, self.info, self.channels, self.tokenID) = (isNamed, info, channels, tokenID)
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
