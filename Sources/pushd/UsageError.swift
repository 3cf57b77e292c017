import ArgumentParser
import PushServer

/// The error for a command line that cannot be parsed: the problem, and what to write instead.
enum UsageError {
    /// The parser's message, with a hint.
    static func explained(_ message: String, _ arguments: [String], _ sources: OptionSources?) -> String {
        if let (option, violation) = value(in: message) {
            return "\(sources?.name(of: option, violation: String(violation)) ?? option): \(violation)"
        }
        guard let name = quoted(in: message), !isForBench(arguments) else { return message }
        if message.hasPrefix("Unknown option") {
            guard let remedy = remedy(forOption: name, arguments) else { return message }
            return "Unknown option '\(name)'. \(remedy)"
        }
        if message.hasPrefix("Unexpected argument") {
            return "\(message). \(remedy(forArgument: name, arguments))"
        }
        return message
    }

    static func isForBench(_ arguments: [String]) -> Bool {
        arguments.first == BenchCommand.configuration.commandName
    }

    /// The option and what is wrong in `The value 'x' is invalid for '--workers <n>': 'x' is not …`.
    ///
    /// The parser shows the value, which may be secret; only `ValueViolation` knows, so that its text alone is used.
    static func value(in message: String) -> (option: String, violation: Substring)? {
        guard message.hasPrefix("The value "), let name = message.ranges(of: "' is invalid for '").last else {
            return nil
        }
        let rest = message[name.upperBound...]
        guard let end = rest.firstRange(of: "': ") else { return nil }
        let option = rest[..<end.lowerBound].prefix { $0 != " " }
        return (String(option.drop { $0 == "<" }.prefix { $0 != ">" }), rest[end.upperBound...])
    }

    /// The first quoted text.
    private static func quoted(in message: String) -> String? {
        let parts = message.split(separator: "'", maxSplits: 2, omittingEmptySubsequences: false)
        return parts.count == 3 ? String(parts[1]) : nil
    }

    /// The names that other programs use for an option, and pushd's name.
    private static let otherNames: [(names: [String], option: String)] = [
        (["--port", "--bind", "--host", "--address", "--addr", "--http", "-p", "-l", "-b"], "--listen"),
        (["--cert", "--certificate", "--tls-certificate", "--ssl-cert", "--tls-cert-file"], "--tls-cert"),
        (["--key", "--ssl-key", "--tls-key-file", "--private-key"], "--tls-key"),
        (["--redis-url", "--redis-host", "--redis-server", "--broker"], "--redis"),
        (["--origin", "--origins", "--allowed-origins", "--allow-origins", "--cors"], "--allow-origin"),
        (["--threads", "--cpus", "--processes", "-w", "-j", "-t"], "--workers"),
        (["--max-clients", "--maxclients", "--connections"], "--max-connections"),
        (["--max-payload", "--max-message-size", "--max-body"], "--max-message"),
        (["--secret", "--token", "--auth", "--password"], "--publish-key"),
        (["--loglevel", "--level"], "--log-level"),
    ]

    /// The option that has this name in other programs.
    static func option(calledElsewhere name: String) -> String? {
        otherNames.first { $0.names.contains(name) }?.option
    }

    private static func remedy(forOption name: String, _ arguments: [String]) -> String? {
        switch name {
        case "-v", "--verbose", "--debug", "-d": return "Did you mean '--log-level debug', or '--version'?"
        case "--daemon", "--daemonize", "--detach", "--background":
            return "It runs in the foreground: let systemd or a container run it (docs/operations.md)"
        case "--log", "--log-file", "--logfile": return "The log goes to standard error: redirect that, as in 2>>FILE"
        case "-c", "-f": return "Did you mean '--config\(value(of: name, arguments).map { " \($0)" } ?? "")'?"
        default: break
        }
        guard let option = option(calledElsewhere: name) else { return nil }
        return "Did you mean '\(option)\(value(of: name, arguments).map { " \($0)" } ?? "")'?"
    }

    /// An option's value; a secret is not shown.
    private static func value(of name: String, _ arguments: [String]) -> String? {
        guard !["--secret", "--token", "--auth", "--password"].contains(name) else { return "KEY" }
        for (index, argument) in arguments.enumerated() {
            if argument.hasPrefix(name + "=") { return String(argument.dropFirst(name.count + 1)) }
            guard argument == name, index + 1 < arguments.count else { continue }
            return arguments[index + 1].hasPrefix("-") ? nil : arguments[index + 1]
        }
        return nil
    }

    private static func remedy(forArgument text: String, _ arguments: [String]) -> String {
        if text.contains("://") {
            let option = text.hasPrefix("http") ? "--allow-origin" : "--redis"
            return "Did you mean '\(option) \(text)'?"
        }
        if (try? ListenAddress(parsing: text)) != nil { return "Did you mean '--listen \(text)'?" }
        if let index = arguments.firstIndex(of: text), index > 1, arguments[index - 2].hasPrefix("--") {
            let option = arguments[index - 2]
            return "\(option) takes one value: if it may be repeated, write \(option) \(text)"
        }
        let names = Pushd.configuration.subcommands.compactMap { $0.configuration.commandName }.joined(separator: ", ")
        return "The subcommands are \(names); without one it serves"
    }
}
