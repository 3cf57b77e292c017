import Access
import ArgumentParser
import Bytes
import Channels
import Hooks
import Logging
import PushServer
import RedisBridge
import Testing
import WSLoop

@testable import pushd

@Suite struct SettingsTests {
    private func settings(_ arguments: [String] = [], _ environment: [String: String] = [:]) throws -> Settings {
        let sources = try OptionSources(arguments, environment: environment)
        return try Settings(try ServeOptions.parse(Array(sources.arguments.dropFirst())), sources)
    }

    /// What is said about options that cannot be used.
    private func problem(_ arguments: [String], _ environment: [String: String] = [:]) throws -> String {
        let error = try #require(throws: (any Error).self) { try settings(arguments, environment) }
        if let violation = error as? SettingViolation { return "\(violation)" }
        let sources = try OptionSources(arguments, environment: environment)
        return UsageError.explained(ServeOptions.message(for: error), arguments, sources)
    }

    /// Every option with two valid values and the resulting setting.
    struct Option: CustomTestStringConvertible, Sendable {
        let name: String
        let values: [String]
        let read: @Sendable (Settings) -> String
        var testDescription: String { name }
        var variable: String { "PUSHD_" + name.dropFirst(2).uppercased().replacing("-", with: "_") }

        init(_ name: String, _ first: String, _ second: String, _ read: @escaping @Sendable (Settings) -> String) {
            self.name = name
            values = [first, second]
            self.read = read
        }
    }

    static let options: [Option] = [
        Option("--listen", "127.0.0.1:1", "unix:/x") {
            "\($0.server.listen.map(\.description).joined(separator: ","))"
        },
        Option("--redis", "redis://a:1", "redis://b:2/3") { "\($0.redis.map(\.description) ?? "")" },
        Option("--redis-prefix", "a:", "b:") { $0.redisOptions.prefix },
        Option("--redis-pattern", "a.*", "b.*") {
            $0.redisOptions.patterns.map(\.text).joined(separator: ",")
        },
        Option("--redis-connect-timeout", "2.0", "0.5") {
            "\(Double($0.redisOptions.timing.connectMilliseconds) / 1000)"
        },
        Option("--redis-silence", "6.0", "9.0") { "\(Double($0.redisOptions.timing.silenceMilliseconds) / 1000)" },
        Option("--redis-map", "a=b", "c=d") {
            $0.redisOptions.aliases.map { "\($0.redis)=\($0.channel)" }.joined(separator: ",")
        },
        Option("--workers", "3", "1024") { "\($0.server.workers)" },
        Option("--io", "poll", "uring") { $0.server.io.rawValue },
        Option("--pacing", "latency", "throughput") { $0.server.pacing.rawValue },
        Option("--max-connections", "1", "9:dry") { "\($0.server.maxConnections ?? -1)" },
        Option("--max-message", "1", "1073741824") { "\($0.server.maxMessageBytes)" },
        Option("--max-publish", "1", "9") { "\($0.server.maxPublishBytes)" },
        Option("--max-channels", "1", "65536:dry") { "\($0.server.maxChannels)" },
        Option("--outbox-limit", "1", "9") { "\($0.server.outboxLimitBytes)" },
        Option("--outbox-budget", "1", "9") { "\($0.server.outboxBudgetBytes)" },
        Option("--inbound-budget", "1", "9") { "\($0.server.inboundBudgetBytes)" },
        Option("--history-budget", "1", "9") { "\($0.server.historyBudgetBytes)" },
        Option("--slow-consumer", "conflate", "drop-newest") { $0.server.slowConsumers.otherwise.rawValue },
        Option("--stall-timeout", "1.0", "2.5") { seconds($0.server.stallTimeout) },
        Option("--max-message-rate", "5:close", "7:error") {
            "\($0.server.maxMessageRate ?? -1):\($0.server.rateExcess)"
        },
        Option("--max-connect-rate", "1", "9:dry") { "\($0.server.admission.opensPerSecond ?? -1)" },
        Option("--max-connect-rate-per-address", "1:dry", "9") {
            "\($0.server.admission.opensPerSecondOfAddress ?? -1)"
        },
        Option("--max-connections-per-address", "1", "9:dry") { "\($0.server.admission.connectionsOfAddress ?? -1)" },
        Option("--max-sockets-per-address", "1", "9:dry") { "\($0.server.maxSocketsOfAddress ?? -1)" },
        Option("--max-connections-per-user", "1", "9:dry") { "\($0.server.admission.connectionsOfUser ?? -1)" },
        Option("--ping-interval", "1.0", "2.5") { seconds($0.server.pingInterval) },
        Option("--pong-timeout", "1.0", "2.5") { seconds($0.server.pongTimeout) },
        Option("--handshake-timeout", "1.0", "2.5") { seconds($0.server.handshakeTimeout) },
        Option("--allow-origin", "https://a", "*") {
            $0.server.allowedOrigins.map(\.description).joined(separator: ",")
        },
        Option("--allow-host", "a.example", "*.b.example") {
            $0.server.allowedHosts.map(\.description).joined(separator: ",")
        },
        Option("--trusted-proxy", "10.0.0.0/8", "unix") {
            $0.server.trustedProxies.map(\.description).joined(separator: ",")
        },
        Option("--publish-key", "a", "b") { $0.server.publishKeys.joined(separator: ",") },
        Option("--api-key", "a", "b") { $0.server.apiKeys.joined(separator: ",") },
        Option("--hook-connect", "http://a/b", "https://c:1/") { $0.server.hooks.urls[.connect] ?? "" },
        Option("--hook-subscribe", "http://a/b", "https://c:1/") { $0.server.hooks.urls[.subscribe] ?? "" },
        Option("--hook-publish", "http://a/b", "https://c:1/") { $0.server.hooks.urls[.publish] ?? "" },
        Option("--hook-header", "cookie", "x-room") { $0.server.hooks.headers.joined(separator: ",") },
        Option("--hook-failure", "refuse", "allow") { $0.server.hooks.otherwise.rawValue },
        Option("--hook-timeout", "0.5", "7.0") { seconds($0.server.hooks.timeLimit) },
        Option("--hook-ca", "/etc/hosts", "/etc/passwd") { $0.server.hooks.authoritiesFile ?? "" },
        Option("--admin", "127.0.0.1:1", "unix:/x") { $0.server.admin.map(\.description).joined(separator: ",") },
        Option("--path-prefix", "/push", "/a/b") { $0.server.pathPrefix.map { "\($0)" } ?? "" },
        Option("--drain", "0.0", "7.0") { seconds($0.server.drain) },
        Option("--drain-delay", "0.5", "7.0") { seconds($0.server.drainDelay) },
        Option("--keep-alive", "0.5", "620.0") { seconds($0.server.keepAlive) },
        Option("--log-level", "trace", "error") { $0.logLevel.rawValue },
        Option("--log-format", "json", "text") { $0.logFormat.rawValue },
    ]

    private static func seconds(_ duration: Duration) -> String { "\(duration / .seconds(1))" }

    /// All options together, since a debug build takes a third of a second to parse a command line.
    @Test func precedence() throws {
        let options = SettingsTests.options
        func check(_ settings: Settings, _ expected: (Option) -> String, _ comment: Comment) {
            for option in options { #expect(option.read(settings) == expected(option), comment) }
        }
        let usual = try settings()
        for number in 0...1 {
            let arguments = options.flatMap { [$0.name, $0.values[number]] }
            check(try settings(arguments), { $0.values[number] }, "an argument")
            let variables = Dictionary(uniqueKeysWithValues: options.map { ($0.variable, $0.values[number]) })
            check(try settings([], variables), { $0.values[number] }, "a variable")
            let others = options.flatMap { [$0.name, $0.values[1 - number]] }
            check(try settings(others, variables), { $0.values[1 - number] }, "the command line wins")
        }
        let empty = options.filter { !SettingsTests.secrets.contains($0.name) }.map { ($0.variable, "") }
        let unset = try settings([], Dictionary(uniqueKeysWithValues: empty))
        check(unset, { $0.read(usual) }, "an empty variable is none")
    }

    static let secrets = ["--publish-key", "--api-key"]

    @Test(arguments: secrets) func anEmptySecretIsNoOpenDoor(name: String) throws {
        let option = try #require(SettingsTests.options.first { $0.name == name })
        for value in ["", ","] {
            for variable in [option.variable, option.variable + "_FILE"] {
                let problem = try problem([], [variable: value])
                #expect(problem.hasPrefix("\(variable): '\(value)'") && problem.contains("the key is empty"))
            }
        }
        #expect(option.read(try settings([name, "a"], [option.variable: ""])) == "a")
    }

    @Test(arguments: secrets) func keysFromFiles(name: String) throws {
        let option = try #require(SettingsTests.options.first { $0.name == name })
        let (first, second) = (try TextFile("one\r\ntwo\n\n"), try TextFile("three"))
        let files = [name + "-file", first.path, name + "-file", second.path]
        #expect(option.read(try settings(files)) == "one,two,three")
        #expect(option.read(try settings(files + [name, "given"])) == "given,one,two,three")
        let variable = [option.variable + "_FILE": "\(first.path),\(second.path)"]
        #expect(option.read(try settings([], variable)) == "one,two,three")
    }

    @Test(arguments: ["", "\n\r\n", "key\nse cret\n", "\u{7F}"], secrets)
    func aBadKeyFileIsNamedAndItsKeysAreNotShown(text: String, name: String) throws {
        let file = try TextFile(text)
        let problem = try problem([name + "-file", file.path])
        #expect(problem.hasPrefix("\(name)-file: '\(file.path)' is not usable: "))
        #expect(!problem.contains("cret"))
        #expect(text.count < 4 || problem.contains("line 2"))
        #expect(try self.problem([name + "-file", file.path + ".missing"]).contains("No such file"))
    }

    @Test func secretsAmongTheArgumentsAreWarnedAbout() throws {
        let file = try TextFile("key")
        let arguments = ["--publish-key", "k", "--publish-key", "l", "--api-key", "m", "--redis", "redis://u:secret@h"]
        let warnings = try settings(arguments).exposedSecrets
        #expect(warnings.count == 3 && !warnings.joined().contains("secret@"))
        for option in ["--publish-key-file", "--api-key-file", "--redis-password-file"] {
            #expect(warnings.contains { $0.contains(option) })
        }
        let hidden = ["--publish-key-file", file.path, "--api-key-file", file.path, "--redis", "redis://h"]
        #expect(try settings(hidden).exposedSecrets.isEmpty)
        let variables = ["PUSHD_PUBLISH_KEY": "k", "PUSHD_API_KEY": "m", "PUSHD_REDIS": "redis://u:secret@h"]
        #expect(try settings([], variables).exposedSecrets.isEmpty)
    }

    @Test(arguments: [
        "--listen", "--admin", "--redis-map", "--allow-origin", "--allow-host", "--publish-key", "--api-key",
        "--trusted-proxy",
    ])
    func repeatableOptions(name: String) throws {
        let option = try #require(SettingsTests.options.first { $0.name == name })
        let both = option.values.joined(separator: ",")
        #expect(option.read(try settings([name, option.values[0], name, option.values[1]])) == both)
        #expect(option.read(try settings([], [option.variable: both])) == both)
    }

    @Test func theDefaultsAreTheContracts() throws {
        let settings = try settings()
        let server = settings.server
        #expect(server.listen == [.everywhere(port: 8081)])
        #expect(settings.redis == nil && settings.redisOptions.prefix == "push:")
        #expect(settings.redisOptions.aliases.map { "\($0.redis)=\($0.channel)" } == ["global_channel=global"])
        #expect(server.workers == settings.resources.cores && server.maxConnections == nil)
        #expect(server.maxMessageBytes == 65_536 && server.maxPublishBytes == 1_048_576 && server.maxChannels == 128)
        #expect(!server.allowsClientPublish)
        #expect(server.outboxLimitBytes == 4_194_304 && settings.warnings.isEmpty)
        #expect(server.outboxBudgetBytes == settings.resources.memoryBytes / 4)
        #expect(server.pingInterval == .seconds(25) && server.pongTimeout == .seconds(10))
        #expect(server.handshakeTimeout == .seconds(10) && server.drain == .seconds(20))
        #expect(server.keepAlive == .seconds(75) && server.drainDelay == .zero)
        #expect(server.allowedOrigins.isEmpty && server.allowedHosts.isEmpty && server.publishKeys.isEmpty)
        #expect(settings.logLevel == .info && settings.logFormat == .text)
    }

    @Test func twoOfTheLargestMessagesFitIntoAnOutbox() throws {
        #expect(try settings(["--max-publish", "10000000"]).server.outboxLimitBytes == 20_000_000)
        #expect(try settings(["--max-publish", "10"]).server.outboxLimitBytes == 4_194_304)
        #expect(try settings(["--outbox-limit", "2097152"]).warnings.isEmpty)
        #expect(try settings(["--outbox-limit", "19", "--max-publish", "9"]).warnings.isEmpty)
        for arguments in [["--outbox-limit", "2097151"], ["--outbox-limit", "19", "--max-publish", "10"]] {
            let warnings = try settings(arguments).warnings
            #expect(warnings.count == 1 && warnings[0].contains("--outbox-limit (\(arguments[1]))"))
            #expect(warnings[0].contains("--max-publish"))
        }
    }

    @Test func clientPublishing() throws {
        #expect(try settings(["--allow-client-publish"]).server.allowsClientPublish)
        #expect(try settings([], ["PUSHD_ALLOW_CLIENT_PUBLISH": "1"]).server.allowsClientPublish)
    }

    @Test func compressionIsOffUnlessItIsTurnedOn() throws {
        #expect(try settings([]).server.compresses == false)
        #expect(try settings(["--compression", "on"]).server.compresses)
        #expect(try settings([], ["PUSHD_COMPRESSION": "on"]).server.compresses)
        #expect(try settings(["--compression", "off"], ["PUSHD_COMPRESSION": "on"]).server.compresses == false)
    }

    @Test func slowConsumerPoliciesByPattern() throws {
        #expect(try settings().server.slowConsumers.policy(of: "a") == .disconnect)
        let given = ["a.b=drop-newest", "a.*=conflate", "drop-oldest", "x=y=disconnect"]
        for settings in [
            try settings(given.flatMap { ["--slow-consumer", $0] }),
            try settings([], ["PUSHD_SLOW_CONSUMER": given.joined(separator: ",")]),
        ] {
            let policies = settings.server.slowConsumers
            #expect(policies.policy(of: "a.b") == .dropNewest, "the first that matches")
            #expect(policies.policy(of: "a.c") == .conflate)
            #expect(policies.policy(of: "b") == .dropOldest)
            #expect(policies.policy(of: "x=y") == .disconnect)
        }
    }

    @Test func channelRulesAreInTheOrderGiven() throws {
        let rules = ["a.*: subscribe=nobody", "*: publish=anyone slow-consumer=conflate"]
        for settings in [
            try settings(rules.flatMap { ["--channel", $0] }),
            try settings([], ["PUSHD_CHANNEL": rules.joined(separator: ",")]),
        ] {
            #expect(settings.server.channelRules.map(ChannelRuleSyntax.text) == rules)
        }
    }

    @Test(arguments: [
        ("a: subscribe=token", "--token-secret-file"), ("a: publish=token", "--token-secret-file"),
        ("a: subscribe=ask", "--hook-subscribe"), ("a: publish=ask", "--hook-publish"),
    ])
    func aRuleWhoseQuestionHasNoAnswerIsRefused(rule: String, option: String) throws {
        let problem = try problem(["--channel", rule])
        #expect(problem.hasPrefix("--channel: '\(rule)' is not possible without ") && problem.contains(option))
        #expect(try self.problem([], ["PUSHD_CHANNEL": rule]).hasPrefix("PUSHD_CHANNEL: "))
    }

    @Test func aHookMakesARuleThatNeedsItPossible() throws {
        let url = "http://localhost/hook"
        for (rule, option) in [
            ("a: subscribe=ask", "--hook-subscribe"), ("a: publish=ask", "--hook-publish"),
            ("a: subscribe=token", "--hook-connect"),
        ] {
            #expect(try settings(["--channel", rule, option, url]).server.channelRules.count == 1)
        }
    }

    @Test(arguments: ["app.internal/hook", "ftp://a/", "http://", "http:///x", "http://a b/", "https://ü/", ""])
    func aHookIsAWebURL(text: String) throws {
        let problem = try problem(["--hook-connect", text])
        #expect(problem == "--hook-connect: '\(text)' is not a URL such as https://app.internal/hook")
        #expect(try !self.problem(["--hook-connect", "x://u:secret@a"]).contains("secret"))
    }

    @Test(arguments: ["https://id.example.org/keys", "http://localhost:8/keys", "HTTP://127.1.2.3", "http://[::1]:8/"])
    func keysMayBeFetchedFrom(url: String) throws {
        let server = try settings(["--token-jwks", url, "--token-required"]).server
        #expect(server.tokens?.keySetURL == url && server.tokens?.isRequired == true)
    }

    @Test(arguments: [
        "http://id.example.org/", "http://[::2]/", "http://localhost.example.org/", "http://127.0.0.1\\@a/",
    ])
    func keysMayNotBeFetchedInTheClearFrom(url: String) throws {
        let problem = try problem(["--token-jwks", url])
        // What is before an @ may be a secret, so it is not shown.
        let shown = url.contains("@") ? "***" : url
        #expect(problem == "--token-jwks: '\(shown)' is not an https:// URL, or an http:// URL of this machine")
    }

    @Test func theHooksSecretIsOneLongLine() throws {
        for (text, isUsable) in [
            ("0123456789abcdef\n", true), ("short\n", false), ("0123456789abcdef\nfedcba9876543210", false),
        ] {
            let file = try TextFile(text)
            let arguments = ["--hook-secret-file", file.path]
            if isUsable {
                #expect(try settings(arguments).server.hooks.secret == Array("0123456789abcdef".utf8))
            } else {
                #expect(try problem(arguments).contains("one line of at least 16 bytes"))
            }
        }
    }

    @Test func aMessageRateClosesUnlessItIsToAnswer() throws {
        let usual = try settings().server
        #expect(usual.maxMessageRate == 50_000 && usual.rateExcess == .pause)
        #expect(try settings(["--max-message-rate", "any"]).server.maxMessageRate == nil)
        let server = try settings(["--max-message-rate", "5"]).server
        #expect(server.maxMessageRate == 5 && server.rateExcess == .close)
        let dry = try settings(["--max-message-rate", "5:error:dry"]).server
        #expect(dry.maxMessageRate == Limit(5, isEnforced: false) && dry.rateExcess == .error)
        #expect(try settings(["--max-message-rate", "5:dry"]).server.maxMessageRate == Limit(5, isEnforced: false))
    }

    @Test(arguments: [
        ("--listen", "nowhere"), ("--listen", "127.0.0.1:65536"), ("--listen", "tls:unix:/x"),
        ("--listen", "tls:127.0.0.1:1"),
        ("--tls-cert", "/x"), ("--tls-key", "/x"), ("--tls-client-ca", "/x"),
        ("--redis", "http://a"), ("--redis", "redis://a:0"),
        ("--redis", ""), ("--redis-pattern", ""), ("--redis-silence", "0"), ("--redis-connect-timeout", "x"),
        ("--redis-ca", "/etc/hosts"), ("--redis-map", "ab"), ("--redis-map", "=b"), ("--redis-map", "a="),
        ("--workers", "0"),
        ("--workers", "1025"), ("--workers", "two"), ("--max-connections", "0"), ("--max-message", "0"),
        ("--max-message", "1073741825"), ("--max-publish", "0"), ("--max-channels", "0"), ("--max-channels", "65537"),
        ("--outbox-limit", "0"), ("--outbox-budget", "lots"), ("--slow-consumer", "drop-database"),
        ("--slow-consumer", "=conflate"), ("--slow-consumer", "a="), ("--slow-consumer", "conflate=a"),
        ("--max-message-rate", "0"), ("--max-message-rate", "5:"), ("--max-message-rate", "5:shout"),
        ("--stall-timeout", "0"), ("--max-connect-rate", "-1"),
        ("--compression", "yes"),
        ("--ping-interval", "0"), ("--pong-timeout", "x"), ("--handshake-timeout", "86401"), ("--drain", "-1"),
        ("--channel", "a.*"),
        ("--log-level", "loud"), ("--log-format", "xml"), ("--allow-origin", "example.org"),
        ("--allow-origin", "https://example.org/"), ("--allow-origin", "https://"),
        ("--allow-origin", "https://a.*.example"), ("--allow-host", "example.org:8081"), ("--allow-host", "http://a"),
        ("--admin", "nowhere:port"), ("--admin", "tls:127.0.0.1:1"),
    ])
    func aBadValueIsNamedWithItsOption(option: String, value: String) throws {
        let problem = try problem([option, value])
        #expect(problem.hasPrefix("\(option): '\(value)' is not "))
        #expect(!problem.contains("\n"))
    }

    @Test(arguments: [
        ("--allow-origin", "example.org", "write https://example.org"),
        ("--allow-origin", "http://example.org:81/app?x", "write http://example.org:81"),
        ("--allow-host", "https://example.org/", "write example.org"),
        ("--allow-host", "example.org:8081", "write example.org"),
        ("--publish-key", "", "the key is empty"),
        ("--log-level", "verbose", "one of trace, debug, info, notice, warning, error, critical"),
        ("--outbox-limit", "lots", "64KiB or 1M"), ("--drain", "later", "500ms, 5s, 2m or 1h"),
    ])
    func aBadValueIsToldWithWhatToWrite(option: String, value: String, remedy: String) throws {
        #expect(try problem([option, value]).hasSuffix(remedy))
    }

    @Test(arguments: ["--max-message", "--max-publish", "--outbox-limit", "--outbox-budget", "--inbound-budget"])
    func sizesTakeUnits(name: String) throws {
        let option = try #require(SettingsTests.options.first { $0.name == name })
        #expect(option.read(try settings([name, "64KiB"])) == "65536")
        #expect(option.read(try settings([], [option.variable: "1m"])) == "1048576")
    }

    @Test(arguments: [
        "--redis-connect-timeout", "--redis-silence", "--stall-timeout", "--ping-interval", "--pong-timeout",
        "--handshake-timeout", "--drain",
    ])
    func timesTakeUnits(name: String) throws {
        let option = try #require(SettingsTests.options.first { $0.name == name })
        #expect(option.read(try settings([name, "1500ms"])) == "1.5")
        #expect(option.read(try settings([], [option.variable: "2m"])) == "120.0")
    }

    @Test(arguments: options.filter { !(["--redis-prefix", "--redis-pattern"] + secrets).contains($0.name) })
    func aBadVariableIsNamed(option: Option) throws {
        let problem = try problem([], [option.variable: "no good value"])
        #expect(problem.hasPrefix("\(option.variable): 'no good value' is not "))
        #expect(
            option.read(try settings([option.name, option.values[0]], [option.variable: "no good value"]))
                == option.values[0])
    }

    @Test(arguments: [
        "redis://user:secret@host:port", "redis://:secret@host:0", "redis://user:secret@host/x",
        "rediss+x://u:secret@h",
        "http://user:secret@host", "user:secret@host", "redis://user:secret@", "redis://:sec?ret@host",
        "redis://u:secret/word@host", "redis://u:%zzsecret@host", "redis+unix://:secret@relative",
        "redis://:a@secret@h:x",
    ])
    func aPasswordIsNotShown(url: String) throws {
        let problem = try problem(["--redis", url])
        #expect(!problem.contains("sec"))
        #expect(problem.hasPrefix("--redis: '"))
    }

    @Test(arguments: ["TLS_CERT", "TLS_KEY", "TLS_CLIENT_CA", "REDIS_CA", "REDIS_CERT", "REDIS_KEY"])
    func aVariableWithoutItsOtherIsNamed(name: String) throws {
        #expect(try problem([], ["PUSHD_" + name: "/x"]).hasPrefix("PUSHD_\(name): "))
    }

    @Test func secureAddressesFromAVariableWithoutACertificate() throws {
        #expect(try problem([], ["PUSHD_LISTEN": "tls:127.0.0.1:1"]).hasPrefix("PUSHD_LISTEN: "))
    }

    @Test(arguments: ["se cret", ""]) func aPublishKeyIsNotShown(key: String) throws {
        let problem = try problem(["--publish-key", key])
        #expect(problem.hasPrefix("--publish-key: '") && !problem.contains("cret"))
    }
}
