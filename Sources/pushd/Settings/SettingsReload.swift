import ArgumentParser
import Logging
import PushServer
import Synchronization

/// Makes the settings again from the same command line and variables, and the files as they are now.
final class SettingsReload: Sendable {
    /// The options that have no effect before a restart.
    static let restartOptions: Set<String> = [
        "--config", "--listen", "--admin", "--redis", "--redis-password-file", "--redis-prefix", "--redis-map",
        "--redis-pattern", "--redis-cluster-pubsub", "--redis-ca", "--redis-cert", "--redis-key",
        "--redis-connect-timeout", "--redis-silence", "--presence-heartbeat", "--max-publish", "--history-budget",
        "--workers", "--io", "--log-format", "--hook-event",
    ]
    /// Those that need one if they come or go.
    ///
    /// The addresses are with TLS or without since the start, and subscriptions are counted for events or not.
    private static let switches: Set<String> = ["--tls-cert", "--hook-events"]

    /// By which the server was started.
    private let started: OptionSources
    private let logger: Logger
    private let level: LogLevel
    /// The warnings that were logged; each comes once.
    private let warnings: Mutex<Set<String>>

    init(_ started: OptionSources, _ settings: Settings, _ logger: Logger, _ level: LogLevel) {
        (self.started, self.logger, self.level) = (started, logger, level)
        warnings = Mutex(Set(settings.warnings))
    }

    /// Reads everything again, which blocks.
    func read() -> Result<Reload, ReloadFailure> {
        let sources: OptionSources
        do throws(SettingViolation) {
            sources = try OptionSources(started.commandLine, environment: started.environment)
        } catch {
            return .failure(ReloadFailure(error.description))
        }
        do {
            let options = try ServeOptions.parse(Array(sources.arguments.dropFirst()))
            return .success(reload(try Settings(options, sources), sources))
        } catch let violation as SettingViolation {
            return .failure(ReloadFailure(violation.description))
        } catch {
            let message = ServeOptions.message(for: error)
            return .failure(ReloadFailure(UsageError.explained(message, started.commandLine, sources)))
        }
    }

    private func reload(_ settings: Settings, _ sources: OptionSources) -> Reload {
        let options = ServeOptions.catalogue.entries.map(\.option).filter { option in
            guard sources[option]?.texts != started[option]?.texts else { return false }
            let isSwitched = (sources[option] == nil) != (started[option] == nil)
            return SettingsReload.restartOptions.contains(option)
                || isSwitched && SettingsReload.switches.contains(option)
        }
        let new = settings.warnings.filter { warning in warnings.withLock { $0.insert(warning).inserted } }
        return Reload(settings.server, restartOptions: options.map { String($0.dropFirst(2)) }) {
            [logger, level] in
            level.value = settings.logLevel
            for warning in new { logger.warning("\(warning)") }
        }
    }
}
