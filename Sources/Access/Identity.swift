internal import Bytes

/// Who a client is and what it may do, according to its token or to the backend.
///
/// It never changes, and may be used on any thread. A connection without a token has none.
public final class Identity: Sendable {
    /// The user's name.
    public let user: String
    /// Whether the issuer named the user.
    public let isNamed: Bool
    /// What others see of the user in presence, as JSON text.
    public let info: [UInt8]?
    /// What the client may do.
    public let grants: Grants
    /// The channels that the client joins when it connects; it may subscribe to them.
    public let channels: [String]
    /// When the identity ends, in seconds of Unix time.
    public let expiresAt: Int?
    /// When it was issued, in seconds of Unix time.
    public let issuedAt: Int?
    /// The identifier of the token (`jti`).
    public let tokenID: String?

    /// Makes an identity.
    public init(
        user: String, isNamed: Bool = true, info: [UInt8]? = nil, grants: Grants = Grants(), channels: [String] = [],
        expiresAt: Int? = nil, issuedAt: Int? = nil, tokenID: String? = nil
    ) {
        self.user = user
        self.isNamed = isNamed
        self.info = info
        self.grants = grants
        self.channels = channels
        self.expiresAt = expiresAt
        self.issuedAt = issuedAt
        self.tokenID = tokenID
    }

    /// Whether a grant allows an action where a rule asks for a token.
    func isGranted(_ action: ChannelAction, _ channel: String) -> Bool {
        grants.allow(action, channel)
            || action == .subscribe && channels.contains { ByteName($0) == ByteName(channel) }
    }
}
