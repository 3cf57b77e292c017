import Access
import ArgumentParser
import Tokens
import WSLoop

/// Shows a token, and whether a server with these options would accept it.
struct TokenRead: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "read",
        abstract: "Show a token's header and claims, and whether a server with these options would accept it.",
        discussion: """
            The exit status is 1 if it would not. Without a key only the form is checked. A token on a command line can be \
            seen by all users of the machine, and stays in the shell's history: let it come from standard input.
            """)

    @Argument(help: ArgumentHelp("The token (default: a line of standard input).", valueName: "token"))
    var token: String?

    @Option("File with a secret", .tokenSecretFile)
    var secretFile: [TokenKeyFile] = []

    @Option("File with a public key or certificate (PEM), or JSON Web Keys", .tokenKeyFile)
    var key: [TokenKeyFile] = []

    @Option("Issuer that is required", .text(), default: "not checked")
    var issuer: String?

    @Option("Audience that is required", .text(), default: "not checked")
    var audience: String?

    @Option("Longest time between iat and exp", .time, default: "unlimited")
    var maxAge: Duration?

    func run() throws {
        let bytes = Array((token ?? readLine() ?? "").utf8)
        do throws(TokenViolation) {
            let text = try TokenText(bytes)
            print("header: \(TokenRead.shown(text.header))")
            print("claims: \(TokenRead.shown(text.claims))")
        } catch {
            try refuse(error)
        }
        let keys = try TokenKeys((secretFile + key).flatMap(\.keys.keys))
        guard !keys.isEmpty else { return print("signature: not checked, give --secret-file or --key") }
        let policy = TokenPolicy(
            issuer: issuer, audience: audience, maxAgeSeconds: maxAge.map { Int($0 / .seconds(1)) })
        do throws(TokenViolation) {
            let identity = try TokenVerifier(keys: keys, policy: policy).verify(bytes, at: Int(Loop.unixTimeSeconds))
            print("accepted: user \(LogText.escaping(identity.user))\(TokenRead.end(of: identity.expiresAt))")
        } catch {
            try refuse(error)
        }
    }

    private func refuse(_ violation: TokenViolation) throws {
        print("refused: \(violation.message)")
        throw ExitCode.failure
    }

    private static func end(of expiresAt: Int?) -> String {
        guard let expiresAt else { return ", without an end" }
        return ", for \(expiresAt - Int(Loop.unixTimeSeconds)) s"
    }

    /// JSON as it is in the token, but unable to control a terminal.
    private static func shown(_ json: [UInt8]) -> String {
        LogText.escaping(String(decoding: json, as: UTF8.self)).replacing("\\\\", with: "\\")
    }
}
