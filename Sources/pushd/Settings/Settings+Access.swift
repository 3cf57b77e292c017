import Access
import PushServer
import RedisBridge
import WSLoop

// Who may do what.
extension Settings {
    mutating func readAccess(_ options: ServeOptions, _ values: OptionValues) throws(SettingViolation) {
        let access = options.access
        server.allowsClientPublish = try values.flag("--allow-client-publish", access.allowClientPublish)
        server.allowedOrigins =
            try values.each(
                "--allow-origin", access.allowOrigin, "*, null, scheme://host[:port] or scheme://*.domain",
                remedy: Settings.origin(meantBy:)
            ) {
                OriginPattern($0)
            } ?? []
        server.allowedHosts =
            try values.each(
                "--allow-host", access.allowHost, "a host's name without a port, or *.domain",
                remedy: Settings.host(meantBy:)
            ) {
                HostPattern($0)
            } ?? []
        server.trustedProxies = try values.usable("--trusted-proxy", access.trustedProxy, TrustedProxy.init(parsing:))
        server.publishKeys = try values.keys("--publish-key", access.publishKey, files: access.publishKeyFile)
        server.apiKeys = try values.keys("--api-key", access.apiKey, files: access.apiKeyFile)
        exposedSecrets = [
            (!access.publishKey.isEmpty, "--publish-key", "--publish-key-file"),
            (!access.apiKey.isEmpty, "--api-key", "--api-key-file"),
            (options.redis.redis != nil && server.redis?.hasPassword == true, "--redis", "--redis-password-file"),
        ].compactMap { isGiven, option, file in
            isGiven ? "every user of this machine can read the secret in \(option): use \(file), or a variable" : nil
        }
    }

    /// The origin in `example.org` or `https://example.org/app`.
    private static func origin(meantBy text: String) -> String? {
        let (scheme, host) = parts(of: text)
        let origin = "\(scheme ?? "https")://\(host)"
        return OriginPattern(origin) == nil ? nil : "write \(origin)"
    }

    /// The name in `https://example.org` or `example.org:8081`.
    private static func host(meantBy text: String) -> String? {
        let host = String(parts(of: text).host.prefix { $0 != ":" })
        return HostPattern(host) == nil ? nil : "write \(host)"
    }

    private static func parts(of text: String) -> (scheme: Substring?, host: Substring) {
        let mark = text.firstRange(of: "://")
        let rest = mark.map { text[$0.upperBound...] } ?? text[...]
        return (mark.map { text[..<$0.lowerBound] }, rest.prefix { !"/?#".contains($0) })
    }
}
