import Access
import PushServer
import Tokens

// Tokens.
extension Settings {
    mutating func setTokens(_ options: ServeOptions) throws(SettingViolation) {
        let tokens = options.tokens
        let files = tokens.tokenSecretFile + tokens.tokenKey
        guard !files.isEmpty || tokens.tokenJwks != nil else { return try Settings.refuseWithoutKeys(tokens) }
        if tokens.tokenCookie != nil, options.access.allowOrigin.contains(where: \.matchesAll) {
            // Browsers send cookies for every page.
            throw SettingViolation(
                option: "--token-cookie", value: tokens.tokenCookie ?? "", expected: "safe with --allow-origin '*'",
                remedy: "any page could connect as its visitor: list the origins")
        }
        do throws(TokenKeyViolation) {
            server.tokens = TokenSettings(
                keys: try TokenKeys(files.flatMap(\.keys.keys)), keySetURL: tokens.tokenJwks,
                policy: TokenPolicy(
                    issuer: tokens.tokenIssuer, audience: tokens.tokenAudience,
                    maxAgeSeconds: tokens.tokenMaxAge.map { Int($0 / .seconds(1)) }),
                isRequired: tokens.tokenRequired, cookie: tokens.tokenCookie)
        } catch {
            throw SettingViolation(option: "--token-key", value: files.first?.path ?? "", expected: "usable: \(error)")
        }
    }

    /// Without a key no token can be verified, so that these options would have no effect.
    private static func refuseWithoutKeys(_ tokens: ServeOptions.Tokens) throws(SettingViolation) {
        let given: [(String, String?)] = [
            ("--token-required", tokens.tokenRequired ? "true" : nil), ("--token-issuer", tokens.tokenIssuer),
            ("--token-audience", tokens.tokenAudience), ("--token-cookie", tokens.tokenCookie),
            ("--token-max-age", tokens.tokenMaxAge.map { Units.text(time: $0) }),
        ]
        for case (let option, let value?) in given {
            throw SettingViolation(
                option: option, value: value, expected: "possible without a key",
                remedy: "give --token-secret-file, --token-key or --token-jwks")
        }
    }
}
