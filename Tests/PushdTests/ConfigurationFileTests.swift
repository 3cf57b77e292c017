import ArgumentParser
import Testing
import YAML

@testable import pushd

@Suite struct ConfigurationFileTests {
    private func file(_ text: String) -> ConfigurationFile {
        ConfigurationFile(path: "f", Array(text.utf8), ServeOptions.catalogue)
    }

    private func settings(_ arguments: [String], _ environment: [String: String] = [:]) throws -> Settings {
        let sources = try OptionSources(arguments, environment: environment)
        return try Settings(try ServeOptions.parse(Array(sources.arguments.dropFirst())), sources)
    }

    /// Parsing is slow in a debug build, so all options are tried at once.
    @Test func everyOptionIsAKeyAndTheOtherSourcesWin() throws {
        let options = SampleOption.all
        let lines = options.map { "\($0.name.dropFirst(2)): \(YAMLText.quoted($0.values[0]))" }
        let file = try TextFile(lines.joined(separator: "\n"))
        let config = ["--config", file.path]
        let second = Dictionary(uniqueKeysWithValues: options.map { ($0.variable, $0.values[1]) })
        let (fromFile, fromVariables) = (try settings(config), try settings(config, second))
        let fromArguments = try settings(config + options.flatMap { [$0.name, $0.values[1]] })
        for option in options {
            #expect(option.read(fromFile) == option.values[0], "\(option.name)")
            #expect(option.read(fromVariables) == option.values[1], "\(option.name)")
            #expect(option.read(fromArguments) == option.values[1], "\(option.name)")
        }
    }

    @Test func listsAndFlagsAndRules() {
        let file = file(
            """
            listen: [1, "2,3"]
            redis-map: a=b
            token-required: on
            channels:
              - {match: 'a: b', publish: anyone, subscribe: token}
              - match: '*'
                slow-consumer: conflate
            """)
        #expect(file.violations.isEmpty)
        #expect(file.entries["--listen"]?.values.map(\.text) == ["1", "2,3"])
        #expect(file.entries["--redis-map"]?.values.map(\.text) == ["a=b"])
        #expect(file.entries["--token-required"]?.values.map(\.text) == ["on"])
        #expect(
            file.entries["--channel"]?.values.map(\.text)
                == ["a: b: subscribe=token publish=anyone", "*: slow-consumer=conflate"])
        #expect(file.entries["--channel"]?.key == "channels")
    }

    @Test func aFlagThatIsOffInAVariableIsOffWhateverTheFileSays() throws {
        let file = try TextFile("token-required: true\n")
        let sources = try OptionSources(["--config", file.path], environment: ["PUSHD_TOKEN_REQUIRED": "off"])
        #expect(sources.arguments == ["serve", "--config", file.path])
        #expect(try OptionSources(["--config", file.path], environment: [:]).arguments.contains("--token-required"))
    }

    @Test func theFileIsReadForServeOnly() throws {
        let file = try TextFile("workers: many\nnonsense: 1\n")
        let environment = ["PUSHD_CONFIG": file.path]
        for arguments in [["bench"], ["token"], ["version"], ["serve", "--help"], ["-h"]] {
            #expect(throws: Never.self) { try OptionSources(arguments, environment: environment) }
        }
        #expect(throws: SettingViolation.self) { try OptionSources([], environment: environment) }
    }

    @Test func secrets() throws {
        #expect(Secrets.masked("redis://a:b@c:1/2", of: "--redis") == "redis://a:***@c:1/2")
        #expect(Secrets.masked("https://a@b/c", of: "--hook-connect") == "https://***@b/c")
        #expect(Secrets.masked("https://b/c", of: "--hook-connect") == "https://b/c")
        #expect(Secrets.masked("1:key:se:cret", of: "--pusher-app") == "1:key:***")
        #expect(
            Secrets.masked("1:key:se:cret max-members=5 webhook=http://a:b@c/d", of: "--pusher-app")
                == "1:key:*** max-members=5 webhook=http://a:***@c/d")
        #expect(Secrets.masked("x", of: "--publish-key") == "***" && Secrets.masked("x", of: "--tls-key") == "x")
        let keys = try OptionTables().options.filter { $0.valueName == "key" }.map(\.option)
        #expect(Set(keys + ["--pusher-app"]) == Secrets.options)
        for (option, text) in [
            ("--redis", "redis://a:***@c"), ("--hook-connect", "https://***@b"), ("--api-key", "***"),
            ("--pusher-app", Secrets.masked("1:key:secret:x", of: "--pusher-app")),
        ] {
            #expect(OptionValue.violation(of: text, for: option) == nil, "what is shown is a value")
        }
    }

    @Test func defaultsInWords() {
        let defaults = OptionDefaults.texts
        #expect(defaults["--drain"] == "20s" && defaults["--listen"] == "[::]:8081, both families")
        #expect(defaults["--publish-key-file"] == nil && defaults["--hook-ca"] == "the system's")
    }
}
