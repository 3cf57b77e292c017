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
        commandName: "serve",
        abstract: "pushd, a WebSocket push server: publish with an HTTP POST or Redis PUBLISH, receive in the browser.",
        discussion: """
            It runs in the foreground. Other subcommands: check and config (of the configuration), bench (measure a running \
            server), token (make and read tokens) and version; each has a --help.

            Examples:
              \(Pushd.path)  # port 8081 of all addresses
              \(Pushd.path) --listen 127.0.0.1:9000 --listen unix:/run/pushd/socket
              \(Pushd.path) --redis redis://localhost  # one of several
              \(Pushd.path) --allow-origin https://app.example.org
              \(Pushd.path) --listen 8443 --tls-cert chain.pem --tls-key key.pem
              \(Pushd.path) --publish-key-file keys --outbox-limit 4MiB --drain 1m
              \(Pushd.path) --config pushd.yaml
              curl -d hello 'http://localhost:8081/publish?channel=news'

            Environment: every option is also a variable. --redis-prefix is PUSHD_REDIS_PREFIX; an option that may be \
            repeated takes several values there, with commas between them; the command line wins.

            File: every option is also a key of the YAML file of --config, with a list where it may be repeated; variables \
            win. '\(Pushd.path) check FILE' finds its errors.

            Sizes take 65536, 64KiB, 64K, 1M (powers of 1024); times take 5 (seconds), 500ms, 5s, 2m, 1h.
            """)

    @OptionGroup var options: ServeOptions

    /// Signals without a meaning here, at least not yet; scripts that rotate logs send some of them to every daemon.
    private static let straySignals: [Int32] = [SIGHUP, SIGUSR1, SIGUSR2, SIGALRM, SIGPIPE]

    func run() throws {
        SystemLimits.ignoreSignals(Serve.straySignals)
        let sources = try Pushd.sources.get()
        var settings = try Settings(options, sources)
        let level = LogLevel(settings.logLevel)
        let log = try startLog(settings.logFormat, level)
        defer {
            // The loop that watched the signals is gone, and the process is about to end.
            SystemLimits.ignoreSignals([SIGTERM, SIGINT])
            log.end(withinMilliseconds: Serve.flushMilliseconds)
        }
        settings.server.droppedLogLines = { log.droppedLines }
        SystemLimits.forbidCoreDumps()
        let logger = Logger(label: "pushd")
        do throws(SystemError) {
            try serve(settings, logger, reload: SettingsReload(sources, settings, logger, level))
        } catch {
            log.write(Array("pushd: \(StartFailure(error, settings.server))\n".utf8))
            throw ExitCode(1)
        }
        logger.notice("stopped")
    }

    /// How long the process waits at the end for the reader of standard error.
    private static let flushMilliseconds = 1000

    private func startLog(_ format: LogFormat, _ level: LogLevel) throws -> LogWriter {
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

    private func serve(
        _ settings: Settings, _ logger: Logger, reload: SettingsReload
    ) throws(SystemError) {
        let server = Server(configuration: settings.server, logger: logger) { reload.read() }
        try server.run(drainingOn: [SIGTERM, SIGINT], reloadingOn: [SIGHUP]) { addresses in
            for (index, (address, asked)) in zip(addresses, settings.server.listen + settings.server.admin).enumerated()
            {
                let purpose = index < settings.server.listen.count ? "" : " for admin requests"
                logger.notice("listening on \(address)\(Serve.manner(asked))\(purpose)")
            }
            if let limits = settings.groupLimits { logger.notice("limited by control groups", metadata: limits) }
            for warning in settings.warnings { logger.warning("\(warning)") }
            logger.notice("\(StartLine(server, settings.server, addresses))")
        }
    }

    private static func manner(_ address: ListenAddress) -> String {
        let parts = [address.isSecure ? "TLS" : nil, address.isProxied ? "the PROXY protocol" : nil].compactMap { $0 }
        return parts.isEmpty ? "" : " with \(parts.joined(separator: " and "))"
    }
}
