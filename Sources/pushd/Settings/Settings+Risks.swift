import Access
import Bytes
import Channels
import Hooks
import PushServer
import RedisBridge
import WSLoop

// What is allowed and may still be a mistake, for `pushd check`.
extension Settings {
    /// Warnings, each with the name that the user gave the option.
    func risks(_ options: ServeOptions, _ sources: OptionSources) -> [SettingViolation] {
        var risks: [SettingViolation] = []
        func warn(_ option: String, item: Int? = nil, _ reason: String) {
            risks.append(SettingViolation(option: sources.name(of: option, item: item), reason: reason))
        }
        for warning in warnings { warn(sources.file?.path ?? "pushd", warning) }
        for (option, limit) in limits where limit?.isEnforced == false {
            warn(option, "it is only counted, because of :dry")
        }
        warnOfAccess(options, warn)
        warnOfRules(warn)
        return risks
    }

    private var limits: [(String, Limit?)] {
        [
            ("--max-connections", server.maxConnections), ("--max-connect-rate", server.admission.opensPerSecond),
            ("--max-message-rate", server.maxMessageRate), ("--max-channels", server.maxChannels),
            ("--max-connect-rate-per-address", server.admission.opensPerSecondOfAddress),
            ("--max-connections-per-address", server.admission.connectionsOfAddress),
            ("--max-sockets-per-address", server.maxSocketsOfAddress),
            ("--max-connections-per-user", server.admission.connectionsOfUser),
        ]
    }

    private func warnOfAccess(_ options: ServeOptions, _ warn: (String, Int?, String) -> Void) {
        if let address = server.admin.first(where: { $0.socketAddress?.isLocal == false }), server.apiKeys.isEmpty {
            warn("--admin", nil, "everyone who reaches \(address) is an administrator (api-key)")
        }
        let sendsCookies = server.hooks.headers.contains("cookie") && !server.hooks.urls.isEmpty
        if sendsCookies, server.allowedOrigins.contains(where: \.matchesAll) {
            warn("--allow-origin", nil, "every page can connect with the cookies of its visitor (hook-header cookie)")
        }
        for (item, proxy) in server.trustedProxies.enumerated() where ["0.0.0.0/0", "::/0"].contains("\(proxy)") {
            warn("--trusted-proxy", item, "every client can choose the address that it is counted under")
        }
        if server.hooks.otherwise == .allow, !server.hooks.urls.isEmpty {
            warn("--hook-failure", nil, "while the backend is away every client may do what it is asked about")
        }
    }

    /// Why the wildcard that is a rule's own pattern is refused although the rule allows it.
    private func wildcardObstacle(_ item: Int) -> String? {
        if redis?.isSharded == true { return "wildcards are refused: a cluster with sharded pub/sub has none" }
        guard let prefix = server.channelRules[item].pattern.text.wildcardPrefix else { return nil }
        let other = server.channelRules[..<item].first {
            $0.wildcard != true && $0.pattern.wildcard.matchesAny(beginningWith: prefix)
        }
        return other.map { "wildcards are refused: the rule of '\($0.pattern.text)' comes before it and allows none" }
    }

    private func warnOfRules(_ warn: (String, Int?, String) -> Void) {
        let rules = server.channelRules
        for (item, rule) in rules.enumerated() {
            if let first = rules[..<item].first(where: { ["*", rule.pattern.text].contains($0.pattern.text) }) {
                warn("--channel", item, "this rule never decides: that of '\(first.pattern.text)' comes before it")
            }
            if rule.publish == .anyone {
                warn("--channel", item, "every client may publish to '\(rule.pattern.text)', subscribed or not")
            }
            if rule.wildcard == true, let obstacle = wildcardObstacle(item) { warn("--channel", item, obstacle) }
        }
        let rights = rules.flatMap { [$0.subscribe, $0.publish] }
        if let tokens = server.tokens, !tokens.isRequired, !rights.contains(.token) {
            warn(
                "--token-required", nil,
                "no rule of channels asks for a token, and token-required is off: every client is let in")
        }
        for (kind, option, action) in [
            (HookKind.subscribe, "--hook-subscribe", ChannelAction.subscribe), (.publish, "--hook-publish", .publish),
        ] where server.hooks.urls[kind] != nil && !rules.contains(where: { $0.right(to: action) == .ask }) {
            warn(option, nil, "it is never asked: no rule of channels has \(action.rawValue): ask")
        }
    }
}
