import ArgumentParser
import Glibc
import Logging
import PushServer
import RedisBridge
import WSLoop

/// Runs the daemon in the foreground.
struct Serve: ParsableCommand {
    static let version = Server.version
    static let configuration = CommandConfiguration(
        abstract: "Run the daemon in the foreground (the default).",
        discussion: "The other subcommand measures a running server: pushd bench --help.")

    @OptionGroup var options: ServeOptions

    /// Signals that mean nothing, or nothing yet: scripts that rotate logs send some of them to every daemon.
    private static let straySignals: [Int32] = [SIGHUP, SIGUSR1, SIGUSR2, SIGALRM, SIGPIPE]

    func run() throws {
        SystemLimits.ignoreSignals(Serve.straySignals)
        var settings = try readSettings()
        let log = try startLog(settings)
        defer {
            // The loop that watched them is gone, and the end is near.
            SystemLimits.ignoreSignals([SIGTERM, SIGINT])
            log.end(withinMilliseconds: Serve.flushMilliseconds)
        }
        settings.server.droppedLogLines = { log.droppedLines }
        SystemLimits.forbidCoreDumps()
        let logger = Logger(label: "pushd")
        do throws(SystemError) {
            try serve(settings, logger)
        } catch {
            log.write(Array("pushd: \(Serve.explain(error, settings))\n".utf8))
            throw ExitCode(1)
        }
        logger.notice("stopped")
    }

    /// How long the end of the process waits for what reads standard error.
    private static let flushMilliseconds = 1000

    private func readSettings() throws -> Settings {
        do throws(SettingViolation) {
            return try Settings(options, environment: Environment.current)
        } catch {
            throw ValidationError(error.description)
        }
    }

    private func startLog(_ settings: Settings) throws -> LogWriter {
        let (format, level) = (settings.logFormat, settings.logLevel)
        let writer = LogWriter(to: STDERR_FILENO) { dropped in
            StandardErrorLog.line(
                format, .warning, "log lines dropped: standard error was not read", ["lines": "\(dropped)"])
        }
        do throws(SystemError) {
            try writer.start()
        } catch {
            StandardErrorLog.write("pushd: \(error)\n")
            throw ExitCode(1)
        }
        LoggingSystem.bootstrap { _ in StandardErrorLog(format: format, level: level, writer: writer) }
        return writer
    }

    private func serve(_ settings: Settings, _ logger: Logger) throws(SystemError) {
        let server = Server(configuration: settings.server, logger: logger)
        try server.run(drainingOn: [SIGTERM, SIGINT], reloadingOn: [SIGHUP]) { addresses in
            for (index, (address, asked)) in zip(addresses, settings.server.listen + settings.server.admin).enumerated()
            {
                let purpose = index < settings.server.listen.count ? "" : " for admin requests"
                logger.notice("listening on \(address)\(Serve.manner(asked))\(purpose)")
            }
            if let limits = settings.groupLimits { logger.notice("limited by control groups", metadata: limits) }
            for warning in settings.warnings { logger.warning("\(warning)") }
            for notice in settings.notices { logger.notice("\(notice)") }
        }
    }

    private static func manner(_ address: ListenAddress) -> String {
        let parts = [address.isSecure ? "TLS" : nil, address.isProxied ? "the PROXY protocol" : nil].compactMap { $0 }
        return parts.isEmpty ? "" : " with \(parts.joined(separator: " and "))"
    }

    private static func explain(_ error: SystemError, _ settings: Settings) -> String {
        guard error.operation.hasPrefix("listen on ") else { return error.description }
        let isForAdmin = settings.server.admin.compactMap(\.socketAddress).contains {
            error.operation == "listen on \($0)"
        }
        return "\(isForAdmin ? "--admin" : "--listen"): cannot \(error)"
    }
}
