import ArgumentParser

/// The command.
@main
struct Pushd: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "pushd",
        abstract: "A WebSocket push server: publish with Redis PUBLISH or an HTTP POST, receive in the browser.",
        discussion: "Every option of serve is also an environment variable: --redis-prefix is PUSHD_REDIS_PREFIX.",
        version: "pushd \(Serve.version)",
        subcommands: [Serve.self],
        defaultSubcommand: Serve.self)
}
