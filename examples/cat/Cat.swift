import ArgumentParser
import CBuild
import Glibc
import WSLoop
import WebSocket

/// A command-line client: sends each line of standard input as a message, and prints each received message as a line.
///
/// It is the smallest program that uses WebSocket's client role, and that role's tests use it.
@main
struct Cat: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ws-cat",
        abstract: "Connects standard input and output with a WebSocket.",
        discussion: """
            A line that is not UTF-8 is sent as a binary message. A binary message is printed as base64: and its Base64, \
            a line break inside a text as \\n. The exit status is 0 if the connection was closed cleanly.

            Examples:
              \(Cat.path) --listen 'ws://localhost:8081/ws?channel=news'
              \(Cat.path) --subprotocol pushd.v1 -H 'Authorization: Bearer TOKEN' wss://push.example.org/ws
            """,
        version: unsafe "ws-cat \(String(cString: cbuild_version()))")

    static let path = CommandLine.arguments.first ?? "ws-cat"

    /// Reports an error in one line on standard error, as pushd does.
    static func main() {
        do {
            var command = try parseAsRoot()
            try command.run()
        } catch {
            let code = exitCode(for: error)
            guard code != .success, !(error is ExitCode) else { exit(withError: error) }
            complain(message(for: error) + (code == .validationFailure ? " (see \(path) --help)" : ""))
            Glibc.exit(code.rawValue)
        }
    }

    private static func complain(_ problem: String) {
        StandardStreams.write(Array("ws-cat: \(problem)\n".utf8), to: STDERR_FILENO)
    }

    @Option(help: "A subprotocol to offer; may be repeated. It is an error if the server supports none of them.")
    var subprotocol: [String] = []

    @Option(
        name: [.customShort("H"), .long],
        help: ArgumentHelp("An additional header field, 'Name: value'; may be repeated.", valueName: "field"),
        transform: Cat.field)
    var header: [Field] = []

    @Flag(help: "Offer compression (permessage-deflate).")
    var deflate = false

    @Option(help: "The Origin header, as a browser sends it.")
    var origin: String?

    @Flag(help: "Do not close at the end of standard input; wait until the server closes.")
    var listen = false

    @Option(
        name: .customLong("tls-ca"),
        help: ArgumentHelp(
            "For wss: trust the certificate authorities in this PEM file (default: the system's).", valueName: "file"))
    var tlsCA: String?

    @Argument(help: ArgumentHelp("ws://HOST[:PORT][/PATH], or wss:", valueName: "url"), transform: Cat.parse)
    var url: WebSocketURL

    func validate() throws {
        do throws(ClientHandshake.InvalidRequest) { _ = try handshake() } catch { throw ValidationError(error.message) }
    }

    func run() throws {
        guard case .failed(let problem) = try verdict() else { return }
        Cat.complain(problem)
        throw ExitCode.failure
    }

    private static func parse(_ argument: String) throws -> WebSocketURL {
        guard let url = WebSocketURL(parsing: argument) else {
            let remedy = WebSocketURL.meant(by: argument).map { "; write \($0)" } ?? ""
            throw ValidationError("expected ws://HOST[:PORT][/PATH], or wss:\(remedy)")
        }
        return url
    }

    /// A header field; a Host field replaces the URL's.
    struct Field: Sendable {
        let name: String
        let value: String
    }

    private static func field(_ argument: String) throws -> Field {
        let parts = argument.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.count == 2 else { throw ValidationError("expected 'Name: value'") }
        return Field(name: String(parts[0]), value: String(parts[1].drop { $0 == " " }))
    }

    private func verdict() throws -> Conversation.Verdict? {
        let loop = try Loop()
        defer { loop.close() }
        let session = try Session(on: loop, handshake: handshake(), security: security(), listens: listen)
        defer { session.close() }
        try session.start(host: url.host, port: url.port)
        loop.run()
        return session.verdict
    }

    private func security() throws -> ClientStream.Security? {
        guard url.isSecure else { return nil }
        let context = try TLSContext(client: TLSClientOptions(caFile: tlsCA))
        return ClientStream.Security(context: context, serverName: url.host)
    }

    private func handshake() throws(ClientHandshake.InvalidRequest) -> ClientHandshake {
        let host = header.last { $0.name.lowercased() == "host" }?.value
        return try ClientHandshake(
            host: host ?? url.authority, target: url.target, subprotocols: subprotocol, offersDeflate: deflate,
            origin: origin,
            fields: header.filter { $0.name.lowercased() != "host" }.map { ($0.name, $0.value) })
    }
}
