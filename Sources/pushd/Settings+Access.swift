import Access
import PushServer
import RedisBridge
import WSLoop

// Who may do what.
extension Settings {
    mutating func readAccess(_ options: ServeOptions, _ values: OptionValues) throws(SettingViolation) {
        server.allowsClientPublish = try values.flag("--allow-client-publish", options.allowClientPublish)
        server.allowedOrigins =
            try values.each("--allow-origin", options.allowOrigin, "*, null, scheme://host[:port] or scheme://*.domain")
        {
            OriginPattern($0)
        } ?? []
        server.allowedHosts =
            try values.each("--allow-host", options.allowHost, "a host's name without a port, or *.domain") {
                HostPattern($0)
            } ?? []
        server.trustedProxies = try values.proxies("--trusted-proxy", options.trustedProxy)
        server.publishKeys = try values.keys("--publish-key", options.publishKey, files: options.publishKeyFile)
        server.apiKeys = try values.keys("--api-key", options.apiKey, files: options.apiKeyFile)
        exposedSecrets = [
            (!options.publishKey.isEmpty, "--publish-key", "--publish-key-file"),
            (!options.apiKey.isEmpty, "--api-key", "--api-key-file"),
            (options.redis != nil && server.redis?.hasPassword == true, "--redis", "--redis-password-file"),
        ].compactMap { isGiven, option, file in
            isGiven ? "every user of this machine can read the secret in \(option): use \(file), or a variable" : nil
        }
    }

    /// What an operator should know about who may do what.
    var notices: [String] {
        var notices: [String] = []
        if server.publishKeys.isEmpty { notices.append("publishing without a key: loopback only (--publish-key)") }
        if server.apiKeys.isEmpty,
            let address = server.admin.first(where: {
                $0.socketAddress?.isLocal == false || $0.isProxied
            })
        {
            notices.append("admin requests without a key: whoever reaches \(address) (--api-key)")
        }
        return notices
    }
}
