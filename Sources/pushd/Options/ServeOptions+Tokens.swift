import ArgumentParser
import Tokens

extension ServeOptions {
    /// Tokens (JWT) that say who a client is.
    struct Tokens: ParsableArguments {
        @Option("File with the secret of HS256, HS384 or HS512: all of its bytes, at least 32", .tokenSecretFile)
        var tokenSecretFile: [TokenKeyFile] = []

        @Option("File with a public key or certificate (PEM), or JSON Web Keys", .tokenKeyFile)
        var tokenKey: [TokenKeyFile] = []

        @Option("URL of a JSON Web Key Set with further keys, which is fetched and kept up to date", .keySetURL)
        var tokenJwks: String?

        @Option("Issuer (iss) that tokens must have", .text(), default: "not checked")
        var tokenIssuer: String?

        @Option("Audience (aud) that tokens must have", .text(), default: "not checked")
        var tokenAudience: String?

        @Option("Longest time between iat and exp, which tokens must then have", .time, default: "unlimited")
        var tokenMaxAge: Duration?

        @Flag(help: "Refuse WebSockets without a token.")
        var tokenRequired = false

        @Option("Cookie that may hold the token", .cookieName)
        var tokenCookie: String?
    }
}
