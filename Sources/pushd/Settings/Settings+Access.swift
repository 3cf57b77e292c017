import Access
import Hooks
import Protocols
import PushServer
import RedisBridge

// Access control.
extension Settings {
    mutating func setAccess(_ options: ServeOptions, _ sources: OptionSources) throws(SettingViolation) {
        let access = options.access
        server.allowsClientPublish = access.allowClientPublish
        setChannelRules(access.channel, sources)
        server.allowedOrigins = access.allowOrigin
        server.allowedHosts = access.allowHost
        server.trustedProxies = access.trustedProxy
        server.publishKeys = try sources.keys("--publish-key", access.publishKey, access.publishKeyFile)
        server.apiKeys = try sources.keys("--api-key", access.apiKey, access.apiKeyFile)
        try setPusherApps(access)
        exposedSecrets = [
            (sources.isArgument("--publish-key"), "--publish-key", "--publish-key-file"),
            (sources.isArgument("--api-key"), "--api-key", "--api-key-file"),
            (sources.isArgument("--pusher-app"), "--pusher-app", "--pusher-app-file"),
            (sources.isArgument("--redis") && redis?.hasPassword == true, "--redis", "--redis-password-file"),
        ].compactMap { isGiven, option, file in
            isGiven ? "every user of this machine can read the secret in \(option): use \(file), or a variable" : nil
        }
    }

    /// Applications are found by their ids and by their keys.
    private mutating func setPusherApps(_ access: ServeOptions.Access) throws(SettingViolation) {
        let apps = access.pusherApp + access.pusherAppFile.flatMap(\.apps)
        for (index, app) in apps.enumerated() {
            if apps[..<index].contains(where: { $0.id == app.id || $0.key == app.key }) {
                throw SettingViolation(
                    option: "--pusher-app", value: "\(app.id):\(app.key):***",
                    expected: "possible beside another application with the same id or key")
            }
        }
        // Cache channels have histories, as in `setChannelRules`.
        if let app = apps.first, redis?.isPlainCluster == true {
            throw SettingViolation(
                option: "--pusher-app", value: "\(app.id):\(app.key):***",
                expected: "possible with plain pub/sub (--redis-cluster-pubsub sharded)")
        }
        server.pusherApps = apps
    }

    /// A rule whose question nobody could answer is refused.
    private mutating func setChannelRules(_ rules: [ChannelRule], _ sources: OptionSources) {
        server.channelRules = rules
        for (item, rule) in rules.enumerated() {
            // A node is connected to one server of such a cluster, and a history is on the server with its slot.
            if rule.history != nil, redis?.isPlainCluster == true {
                attempt(sources) { _ throws(SettingViolation) in
                    throw SettingViolation(
                        option: sources.name(ofField: "history", ofRule: item), value: ChannelRuleSyntax.text(rule),
                        expected: "possible with plain pub/sub (--redis-cluster-pubsub sharded)")
                }
            }
            for action in [ChannelAction.subscribe, .publish] {
                guard let missing = missing(for: rule.right(to: action), action) else { continue }
                attempt(sources) { _ throws(SettingViolation) in
                    throw SettingViolation(
                        option: sources.name(ofField: action.rawValue, ofRule: item),
                        value: ChannelRuleSyntax.text(rule), expected: "possible without \(missing)")
                }
            }
        }
    }

    /// What is needed to answer who has a right, if it is not there.
    private func missing(for right: ChannelRight?, _ action: ChannelAction) -> String? {
        switch right {
        case .token where server.tokens == nil && server.hooks.urls[.connect] == nil:
            "a token's key (--token-secret-file, --token-key, --token-jwks)"
        case .ask where server.hooks.urls[action == .subscribe ? .subscribe : .publish] == nil:
            "a hook (--hook-\(action.rawValue))"
        case .anyone, .subscribers, .token, .ask, .nobody, nil: nil
        }
    }
}

extension OptionSources {
    /// Keys given directly and in files.
    ///
    /// A variable that should hold a key but is empty is refused, because it must not disable the protection.
    func keys(_ option: String, _ given: [String], _ files: [KeyFile]) throws(SettingViolation) -> [String] {
        let keys = given + files.flatMap(\.keys)
        for variable in [option, option + "-file"].map(VariableNames.variable(of:)) where keys.isEmpty {
            guard let value = environment[variable] else { continue }
            throw SettingViolation(
                option: variable, value: value, expected: KeyFile.keyForm,
                remedy: "the key is empty: leave the variable out if there is to be none")
        }
        return keys
    }
}
