import ArgumentParser
import Glibc

/// The command.
@main
struct Pushd: ParsableCommand {
    /// Runs the command; reports an error in one line on standard error.
    static func main() {
        guard ProcessStart.openStandardStreams() else {
            StandardErrorLog.write("pushd: descriptors 0 to 2 are not all open, and /dev/null cannot be opened\n")
            Glibc.exit(EXIT_FAILURE)
        }
        // Without arguments it is unknown what was asked for, such as a required key.
        guard !ProcessStart.arguments.isEmpty else {
            StandardErrorLog.write("pushd: there are no arguments, not even the command's name\n")
            Glibc.exit(exitCode(for: ValidationError("")).rawValue)
        }
        let arguments = Array(ProcessStart.arguments.dropFirst())
        switch arguments.joined(separator: " ") {
        // Most options belong to serve, so help without a subcommand shows those.
        case "--help", "-h", "help": exit(withError: CleanExit.helpRequest(Serve.self))
        case "--version", "-V": return Version().run()
        default: break
        }
        do {
            var command = try parseAsRoot(try sources.get().arguments)
            try command.run()
        } catch let status as ExitCode {
            exit(withError: status)
        } catch let error as SettingViolation {
            refuse("\(error)", arguments)
        } catch {
            guard exitCode(for: error) == .validationFailure else { exit(withError: error) }
            refuse(UsageError.explained(message(for: error), arguments, try? sources.get()), arguments)
        }
    }

    private static func refuse(_ problem: String, _ arguments: [String]) -> Never {
        let help = UsageError.isForBench(arguments) ? "bench --help" : "--help"
        StandardErrorLog.write("pushd: \(problem) (see \(path) \(help))\n")
        Glibc.exit(ExitCode.validationFailure.rawValue)
    }

    /// The options of this process; a variable may have a value that its flag does not know.
    static let sources = Result { () throws(SettingViolation) in
        try OptionSources(Array(ProcessStart.arguments.dropFirst()), environment: Environment.current)
    }

    /// The path that the command was called with, because bash has a builtin called pushd.
    static let path = ProcessStart.arguments.first ?? "pushd"

    static let configuration = CommandConfiguration(
        commandName: "pushd",
        abstract: "A WebSocket push server: publish with Redis PUBLISH or an HTTP POST, receive in the browser.",
        discussion: """
            Every option of serve is also an environment variable, and a key of the file of --config: --redis-prefix is \
            PUSHD_REDIS_PREFIX, and redis-prefix.
            """,
        version: "pushd \(Serve.version)",
        subcommands: [
            Serve.self, CheckCommand.self, ConfigCommand.self, BenchCommand.self, TokenCommand.self, Version.self,
        ],
        defaultSubcommand: Serve.self)
}
