import Access
import ArgumentParser
import Glibc
import Logging
import PushServer
import WSLoop

/// A server that echoes every message and the body of every `POST /`, with the same code as pushd.
///
/// The conformance suites test it, and it is the smallest program on PushServer.
@main
struct Echo: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "echo-server")

    @Option(
        help: ArgumentHelp(
            "PORT, HOST:PORT, [::]:PORT or unix:PATH (default: 127.0.0.1:9001).", valueName: "addr"),
        transform: ListenAddress.init(parsing:))
    var listen = ListenAddress.tcp(host: "127.0.0.1", port: 9001)

    @Option(help: ArgumentHelp("The largest message.", valueName: "bytes"))
    var maxMessage = 16_777_216

    @Option(help: "permessage-deflate for clients that offer it: off or on.")
    var compression = Compression.off

    @Option(help: ArgumentHelp("Certificate and chain (PEM), for TLS.", valueName: "file"))
    var tlsCert: String?

    @Option(help: ArgumentHelp("Its private key (PEM).", valueName: "file"))
    var tlsKey: String?

    enum Compression: String, ExpressibleByArgument { case off, on }

    func validate() throws {
        guard (1...(1 << 30)).contains(maxMessage) else {
            throw ValidationError("--max-message: '\(maxMessage)' is not a number from 1 to 1073741824")
        }
        guard (tlsCert == nil) == (tlsKey == nil) else {
            throw ValidationError("--tls-cert and --tls-key need each other")
        }
    }

    func run() throws {
        var configuration = ServerConfiguration()
        configuration.listen = [listen]
        configuration.maxMessageBytes = maxMessage
        configuration.compresses = compression == .on
        // It must accept any request for tests, and has nothing to protect.
        configuration.allowedOrigins = [.all]
        configuration.allowedHosts = [.any]
        configuration.drain = .zero
        configuration.endpoint = .answering { $0 }
        configuration.posts = ["/": { $0 }]
        configuration.pages = ["/": Page(contentType: "text/plain", body: Array("POST something here.\n".utf8))]
        if let tlsCert, let tlsKey {
            let options = TLSServerOptions(certificateFile: tlsCert, keyFile: tlsKey)
            configuration.certificates = try ServerCertificates(options)
            configuration.listen = configuration.listen.map(\.secured)
        }
        let logger = Logger(label: "echo-server")
        try Server(configuration: configuration, logger: logger).run(drainingOn: [SIGTERM, SIGINT]) { addresses in
            for address in addresses { logger.info("listening on \(address)") }
        }
    }
}
