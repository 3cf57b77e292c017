public import Tokens

/// How clients' tokens are verified.
public struct TokenSettings: Sendable {
    /// The keys.
    public var keys: TokenKeys
    /// Where further keys are fetched, as a JSON Web Key Set; nil for nowhere.
    public var keySetURL: String?
    /// What the claims must say.
    public var policy: TokenPolicy
    /// Whether WebSockets without a token are refused.
    public var isRequired: Bool
    /// The cookie that may hold a token; nil for none.
    public var cookie: String?

    /// Makes the settings.
    public init(
        keys: TokenKeys, keySetURL: String? = nil, policy: TokenPolicy = TokenPolicy(), isRequired: Bool = false,
        cookie: String? = nil
    ) {
        (self.keys, self.keySetURL, self.policy) = (keys, keySetURL, policy)
        (self.isRequired, self.cookie) = (isRequired, cookie)
    }

    /// Verifies with the configured keys and those that were fetched; nil if none have been fetched yet.
    ///
    /// Fetched keys that are too many together with the configured ones are left out.
    func verifier(adding fetched: TokenKeys?) -> TokenVerifier {
        guard let fetched, let keys = try? keys.adding(fetched) else {
            return TokenVerifier(keys: keys, policy: policy, awaitsKeys: keySetURL != nil)
        }
        return TokenVerifier(keys: keys, policy: policy)
    }
}
