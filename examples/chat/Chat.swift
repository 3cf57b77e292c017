import ArgumentParser
import Glibc
import Logging
import PushServer
import WSLoop

/// A chat room in the browser: uses pushd as a library, with its own page and publishing by clients.
@main
struct Chat: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "chat-server")

    @Option(
        help: ArgumentHelp(
            "PORT, HOST:PORT, [::]:PORT or unix:PATH (default: 127.0.0.1:8082).", valueName: "addr"),
        transform: ListenAddress.init(parsing:))
    var listen = ListenAddress.tcp(host: "127.0.0.1", port: 8082)

    func run() throws {
        var configuration = ServerConfiguration()
        configuration.listen = [listen]
        configuration.allowsClientPublish = true
        configuration.drain = .zero
        configuration.pages["/"] = Page(body: PackageResources.room_html)
        let logger = Logger(label: "chat-server")
        try Server(configuration: configuration, logger: logger).run(drainingOn: [SIGTERM, SIGINT]) { addresses in
            for address in addresses { logger.info("the room is at http://\(address)/") }
        }
    }
}
