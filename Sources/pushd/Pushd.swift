import ArgumentParser
import Glibc

/// The command.
@main
struct Pushd: ParsableCommand {
    /// Runs the command; what is wrong with it is one line on standard error.
    static func main() {
        guard ProcessStart.openStandardStreams() else {
            StandardErrorLog.write("pushd: descriptors 0 to 2 are not all open, and /dev/null cannot be opened\n")
            Glibc.exit(EXIT_FAILURE)
        }
        let arguments = ProcessStart.arguments
        // What the command line said cannot be known, perhaps that a key is needed.
        guard !arguments.isEmpty else {
            StandardErrorLog.write("pushd: there are no arguments, not even the command's name\n")
            Glibc.exit(exitCode(for: ValidationError("")).rawValue)
        }
        // Most options belong to serve: whoever asks for help without naming it wants to see them.
        if ["--help", "-h"].contains(arguments.dropFirst().joined(separator: " ")) {
            exit(withError: CleanExit.helpRequest(Serve.self))
        }
        do {
            var command = try parseAsRoot(Array(arguments.dropFirst()))
            try command.run()
        } catch {
            guard exitCode(for: error) == .validationFailure else { exit(withError: error) }
            StandardErrorLog.write("pushd: \(message(for: error))\n")
            Glibc.exit(exitCode(for: error).rawValue)
        }
    }

    static let configuration = CommandConfiguration(
        commandName: "pushd",
        abstract: "A WebSocket push server: publish with Redis PUBLISH or an HTTP POST, receive in the browser.",
        discussion: "Every option of serve is also an environment variable: --redis-prefix is PUSHD_REDIS_PREFIX.",
        version: "pushd \(Serve.version)",
        subcommands: [Serve.self, BenchCommand.self],
        defaultSubcommand: Serve.self)
}
