import ArgumentParser
import Bytes
import Channels
import Tokens
import WSLoop

/// Makes and reads tokens.
struct TokenCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "token",
        abstract: "Make a token (JWT), or read one.",
        discussion: """
            Without a subcommand it makes one and prints it.

            Examples:
              \(Pushd.path) token --secret-file secret --sub 42 --subscribe 'private.*'
              \(Pushd.path) token --key private.pem --alg PS256 --kid 2026 --exp 10m
              \(Pushd.path) token read --secret-file secret TOKEN
            """,
        subcommands: [TokenMake.self, TokenRead.self],
        defaultSubcommand: TokenMake.self)
}

/// Makes a token.
struct TokenMake: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "make", abstract: "Make a token and print it.")

    @Option("File with the secret to sign with (HS256, HS384, HS512)", .file)
    var secretFile: String?

    @Option("File with the private key to sign with (PEM)", .file)
    var key: String?

    @Option("Algorithm, such as RS256", .choice("name"), default: "the first that the key is for")
    var alg: TokenAlgorithm?

    @Option("Name of the key (kid)", .text())
    var kid: String?

    @Option("User", .text())
    var sub: String?

    @Option("Time until it expires", .time)
    var exp = Duration.seconds(3600)

    @Option("Issuer", .text())
    var iss: String?

    @Option("Audience", .text())
    var aud: [String] = []

    @Option("Identifier of the token", .text())
    var jti: String?

    @Option("What others see in presence, as JSON", .json)
    var info: String?

    @Option("Channel to join at once", .text("channel"))
    var channel: [String] = []

    @Option("Channels that it may subscribe to", .channels)
    var subscribe: [ChannelPattern] = []

    @Option("Channels that it may publish to", .channels)
    var publish: [ChannelPattern] = []

    @Option("Channels whose presence it may read", .channels)
    var presence: [ChannelPattern] = []

    @Option("Channels whose history it may read", .channels)
    var history: [ChannelPattern] = []

    func run() throws {
        guard let token = try signer().token(claims: claims(at: Int(Loop.unixTimeSeconds))) else {
            throw SettingViolation(option: "--key", value: key ?? "", expected: "a private key for signatures")
        }
        print(token)
    }

    private func signer() throws -> TokenSigner {
        switch (secretFile, key) {
        case (let file?, nil):
            let secret = try named("--secret-file") { () throws(ValueViolation) in try TokenKeyFile.secret(in: file) }
            return try named("--secret-file") { () throws(ValueViolation) in
                try TokenKeyFile.usable(file) { () throws(TokenKeyViolation) in
                    try TokenSigner(secret: secret, algorithm: alg, keyID: kid)
                }
            }
        case (nil, let file?):
            return try named("--key") { () throws(ValueViolation) in
                let text = try TokenKeyFile.read(file)
                return try TokenKeyFile.usable(file) { () throws(TokenKeyViolation) in
                    try TokenSigner(pem: text, algorithm: alg, keyID: kid)
                }
            }
        default: throw ValidationError("Give --secret-file or --key, to sign the token with.")
        }
    }

    private func named<Result>(
        _ option: String, _ make: () throws(ValueViolation) -> Result
    ) throws(SettingViolation) -> Result {
        do throws(ValueViolation) { return try make() } catch { throw SettingViolation(option: option, error) }
    }

    private func claims(at now: Int) -> [UInt8] {
        var claims = JSONObjectWriter()
        for (name, value) in [("sub", sub), ("iss", iss), ("jti", jti)] {
            if let value { claims.member(name, value) }
        }
        if aud.count == 1 { claims.member("aud", aud[0]) } else { claims.member("aud", listing: aud) }
        claims.member("iat", now)
        claims.member("exp", now + max(Int(exp / .seconds(1)), 1))
        if let info { claims.member("info", raw: Array(info.utf8)) }
        claims.member("channels", listing: channel)
        var grants = JSONObjectWriter()
        grants.member("subscribe", listing: subscribe.map(\.text))
        grants.member("publish", listing: publish.map(\.text))
        grants.member("presence", listing: presence.map(\.text))
        grants.member("history", listing: history.map(\.text))
        let text = grants.finish()
        if text.count > 2 { claims.member("pushd", raw: text) }
        return claims.finish()
    }
}

extension JSONObjectWriter {
    /// Adds a member that is a list of strings, unless it is empty.
    fileprivate mutating func member(_ name: String, listing values: [String]) {
        if !values.isEmpty { member(name, raw: JSON.array(values)) }
    }
}
