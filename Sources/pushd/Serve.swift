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

    func run() throws {
        let settings: Settings
        do throws(SettingViolation) {
            settings = try Settings(options, environment: Environment.current)
        } catch {
            throw ValidationError(error.description)
        }
        let format = settings.logFormat
        let level = settings.logLevel
        LoggingSystem.bootstrap { _ in StandardErrorLog(format: format, level: level) }
        let logger = Logger(label: "pushd")
        SystemLimits.forbidCoreDumps()
        let server = Server(configuration: settings.server, logger: logger)
        do throws(SystemError) {
            try server.run(drainingOn: [SIGTERM, SIGINT], reloadingOn: [SIGHUP]) { addresses in
                for (index, (address, asked)) in zip(addresses, settings.server.listen + settings.server.admin)
                    .enumerated()
                {
                    let purpose = index < settings.server.listen.count ? "" : " for admin requests"
                    logger.notice("listening on \(address)\(asked.isSecure ? " with TLS" : "")\(purpose)")
                }
                if let limits = settings.groupLimits { logger.notice("limited by control groups", metadata: limits) }
                for warning in settings.exposedSecrets { logger.warning("\(warning)") }
                for notice in settings.notices { logger.notice("\(notice)") }
            }
        } catch {
            StandardErrorLog.write("pushd: \(Serve.explain(error, settings))\n")
            throw ExitCode(1)
        }
        logger.notice("stopped")
    }

    private static func explain(_ error: SystemError, _ settings: Settings) -> String {
        guard error.operation.hasPrefix("listen on ") else { return error.description }
        let isForAdmin = settings.server.admin.compactMap(\.socketAddress).contains {
            error.operation == "listen on \($0)"
        }
        return "\(isForAdmin ? "--admin" : "--listen"): cannot \(error)"
    }
}
