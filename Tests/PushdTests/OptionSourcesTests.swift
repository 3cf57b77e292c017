import ArgumentParser
import Testing

@testable import pushd

@Suite struct OptionSourcesTests {
    private func sources(_ arguments: [String], _ environment: [String: String] = [:]) throws -> OptionSources {
        try OptionSources(arguments, environment: environment)
    }

    @Test func aVariableIsAnArgumentBeforeTheOthers() throws {
        let sources = try sources(["--drain", "5"], ["PUSHD_REDIS_PREFIX": "a=b", "PUSHD_DRAIN": "6", "PATH": "/"])
        #expect(sources.arguments == ["serve", "--redis-prefix=a=b", "--drain", "5"])
        #expect(sources.name(of: "--redis-prefix") == "PUSHD_REDIS_PREFIX" && sources.name(of: "--drain") == "--drain")
        #expect(sources.isArgument("--drain") && !sources.isArgument("--redis-prefix"))
    }

    @Test func repeatableOptionsAreSeparatedByCommas() throws {
        let environment = ["PUSHD_LISTEN": "1,2,,3"]
        #expect(try sources([], environment).arguments == ["serve", "--listen=1", "--listen=2", "--listen=3"])
        #expect(
            try sources(["--listen=4"], environment).arguments == ["serve", "--listen=4"], "they are not added up")
        #expect(try sources([], ["PUSHD_LISTEN": ","]).arguments == ["serve"])
        #expect(try sources([], ["PUSHD_REDIS_PREFIX": "a,b"]).arguments == ["serve", "--redis-prefix=a,b"])
    }

    @Test func helpIsShownWhateverTheVariablesSay() throws {
        let environment = ["PUSHD_WORKERS": "many", "PUSHD_ALLOW_CLIENT_PUBLISH": "maybe", "PUSHD_REDIS": "bad://"]
        for arguments in [["serve", "--help"], ["serve", "-h"], ["bench", "--help"]] {
            #expect(try sources(arguments, environment).arguments == arguments)
        }
    }

    @Test func anEmptyVariableIsNone() throws {
        #expect(try sources([], ["PUSHD_DRAIN": "", "PUSHD_LISTEN": ""]).arguments == ["serve"])
    }

    @Test func flags() throws {
        let (flag, variable) = ("--allow-client-publish", "PUSHD_ALLOW_CLIENT_PUBLISH")
        for on in ["1", "true", "TRUE", "yes", "on"] {
            #expect(try sources([], [variable: on]).arguments == ["serve", flag])
        }
        for off in ["0", "false", "No", "off", ""] { #expect(try sources([], [variable: off]).arguments == ["serve"]) }
        #expect(try sources([flag], [variable: "0"]).arguments == ["serve", flag], "the command line wins")
        let violation = #expect(throws: SettingViolation.self) { try sources([], [variable: "maybe"]) }
        #expect(violation?.description == "\(variable): 'maybe' is not true or false")
    }

    @Test func aValueThatLooksLikeAnOptionIsNone() throws {
        let environment = ["PUSHD_LISTEN": "1"]
        for arguments in [["--redis-prefix", "--listen"], ["--", "--listen"], ["--redis-prefix=--listen"]] {
            #expect(try sources(arguments, environment).arguments == ["serve", "--listen=1"] + arguments)
        }
        let given = ["--allow-client-publish", "--listen", "2"]
        #expect(try sources(given, environment).arguments == ["serve"] + given, "a flag takes no value")
    }

    @Test func subcommands() throws {
        let environment = ["PUSHD_LISTEN": "1", "PUSHD_PUBLISH_KEY": "k", "PUSHD_CONNECTIONS": "7"]
        #expect(
            try sources(["serve", "--drain", "5"], environment).arguments
                == ["serve", "--listen=1", "--publish-key=k", "--drain", "5"])
        #expect(try sources(["bench", "-n", "5"], environment).arguments == ["bench", "--publish-key=k", "-n", "5"])
        for name in ["help", "version"] { #expect(try sources([name, "x"], environment).arguments == [name, "x"]) }
        #expect(
            try sources(["swerve"], environment).arguments == ["serve", "--listen=1", "--publish-key=k", "swerve"])
    }

    @Test func theProcessEnvironmentIsRead() throws {
        #expect(try #require(Environment.current["PATH"]).contains("/"))
    }
}
