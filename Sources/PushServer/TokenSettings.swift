public import Tokens

/// How clients' tokens are verified.
public struct TokenSettings: Sendable {
    /// The keys.
    public var keys: TokenKeys
    /// What the claims must say.
    public var policy: TokenPolicy
    /// Whether WebSockets without a token are refused.
    public var isRequired: Bool
    /// The cookie that may hold a token; nil for none.
    public var cookie: String?

    /// Makes the settings.
    public init(
        keys: TokenKeys, policy: TokenPolicy = TokenPolicy(), isRequired: Bool = false, cookie: String? = nil
    ) {
        (self.keys, self.policy, self.isRequired, self.cookie) = (keys, policy, isRequired, cookie)
    }
}
