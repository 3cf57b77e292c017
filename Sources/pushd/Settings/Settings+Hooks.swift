import Hooks
import PushServer
import WSLoop

// The backend that decides what clients may do.
extension Settings {
    private static let minSecretBytes = 16

    mutating func setHooks(_ options: ServeOptions.Hooks, _ sources: OptionSources) throws(SettingViolation) {
        server.hooks.urls = [
            .connect: options.hookConnect, .subscribe: options.hookSubscribe, .publish: options.hookPublish,
        ].compactMapValues(\.self)
        try setEvents(options, sources)
        server.hooks.headers = options.hookHeader
        server.hooks.otherwise = options.hookFailure
        server.hooks.timeLimit = options.hookTimeout
        server.hooks.authoritiesFile = try readable(options.hookCa, sources)
        server.hooks.secret = try secret(options.hookSecretFile, sources)
    }

    /// Which events are sent; to name some without an URL would have no effect.
    private mutating func setEvents(_ options: ServeOptions.Hooks, _ sources: OptionSources) throws(SettingViolation) {
        server.hooks.eventsURL = options.hookEvents
        server.hooks.grace = options.hookGrace
        guard let first = options.hookEvent.first else { return }
        server.hooks.eventKinds = Set(options.hookEvent)
        guard options.hookEvents == nil else { return }
        throw SettingViolation(
            option: sources.name(of: "--hook-event"), value: first.rawValue,
            expected: "possible without --hook-events, the URL to send it to")
    }

    private func readable(_ file: String?, _ sources: OptionSources) throws(SettingViolation) -> String? {
        guard let file, SystemFile.read(file) == nil else { return file }
        throw SettingViolation(option: sources.name(of: "--hook-ca"), value: file, expected: "readable")
    }

    /// A secret is changed by letting the backend accept both for a while: pushd signs with one.
    private func secret(_ file: KeyFile?, _ sources: OptionSources) throws(SettingViolation) -> [UInt8] {
        guard let file else { return [] }
        guard file.keys.count == 1, file.keys[0].utf8.count >= Settings.minSecretBytes else {
            throw SettingViolation(
                option: sources.name(of: "--hook-secret-file"), value: file.path,
                expected: "usable: it must hold one line of at least \(Settings.minSecretBytes) bytes")
        }
        return Array(file.keys[0].utf8)
    }
}
