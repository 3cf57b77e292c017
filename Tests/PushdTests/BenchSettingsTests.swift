import ArgumentParser
import Bench
import RedisBridge
import Testing
import WebSocket

@testable import pushd

@Suite struct BenchSettingsTests {
    private func plan(_ arguments: [String], _ environment: [String: String] = [:]) throws -> BenchPlan {
        let sources = try OptionSources(["bench"] + arguments, environment: environment)
        return try BenchPlan(try BenchOptions.parse(Array(sources.arguments.dropFirst())), sources)
    }

    /// What is said about options that cannot be used.
    private func problem(_ arguments: [String]) throws -> String {
        let error = try #require(throws: (any Error).self) { try plan(arguments) }
        return (error as? SettingViolation).map { "\($0)" }
            ?? UsageError.explained(BenchOptions.message(for: error), ["bench"] + arguments, nil)
    }

    @Test func theDefaults() throws {
        let plan = try plan([])
        #expect(plan.url.authority == "127.0.0.1:8081")
        #expect(plan.url.target == "/ws")
        #expect((plan.connections, plan.channels, plan.messageBytes) == (100, 1, 128))
        #expect(plan.extent == .duration(.seconds(10)))
        #expect(plan.warmUp == .seconds(1))
        #expect(plan.patience == .seconds(10))
        #expect(plan.pace == .inFlight(8))
        #expect(plan.route == .http(key: nil))
        #expect(plan.subprotocol == nil)
    }

    @Test func everyOptionIsRead() throws {
        let plan = try plan([
            "ws://localhost:1/x", "--connections", "9", "--channels", "3", "--channel-prefix", "p", "--messages", "5",
            "--warm-up", "0.5", "--size", "32", "--rate", "2.5", "--publish-key", "k", "--subprotocol", "pushd.v1",
            "--patience", "3",
        ])
        #expect(plan.url.authority == "localhost:1")
        #expect((plan.connections, plan.channels, plan.channelPrefix, plan.messageBytes) == (9, 3, "p", 32))
        #expect(plan.extent == .messages(5))
        #expect(plan.warmUp == .milliseconds(500))
        #expect(plan.patience == .seconds(3))
        #expect(plan.pace == .rate(perSecond: 2.5))
        #expect(plan.route == .http(key: "k"))
        #expect(plan.subprotocol == "pushd.v1")
        #expect(try self.plan(["--in-flight", "5"]).pace == .inFlight(5))
        #expect(try self.plan(["--duration", "5"]).extent == .duration(.seconds(5)))
    }

    @Test func unitsAndShortNames() throws {
        let plan = try plan(["-c", "9", "-d", "2m", "--size", "4k", "--warm-up", "500ms", "--patience", "1h"])
        #expect((plan.connections, plan.messageBytes) == (9, 4096))
        #expect(plan.extent == .duration(.seconds(120)) && plan.warmUp == .milliseconds(500))
        #expect(plan.patience == .seconds(3600))
        #expect(try self.plan(["-n", "5"]).extent == .messages(5))
    }

    @Test func messagesThatAreCountedHaveNoWarmUp() throws {
        #expect(try plan(["--messages", "5"]).warmUp == .zero)
    }

    @Test func redis() throws {
        let plain = try plan(["--publish", "redis", "--redis", "redis://h:1"])
        #expect(plain.route == .redis(try RedisEndpoint(parsing: "redis://h:1"), prefix: "push:"))
        let own = try plan(["--publish", "redis", "--redis", "redis://h", "--redis-prefix", ""])
        #expect(own.route == .redis(try RedisEndpoint(parsing: "redis://h"), prefix: ""))
    }

    @Test func secretsMayBeVariables() throws {
        let environment = [
            "PUSHD_REDIS": "redis://u:p@h", "PUSHD_REDIS_PREFIX": "x:", "PUSHD_PUBLISH_KEY": "a,b",
            "PUSHD_CONNECTIONS": "7",
        ]
        let redis = try plan(["--publish", "redis"], environment)
        #expect(redis.route == .redis(try RedisEndpoint(parsing: "redis://u:p@h"), prefix: "x:"))
        let file = try TextFile("first\nsecond\n")
        #expect(try plan(["--publish-key-file", file.path]).route == .http(key: "first"))
        let http = try plan([], environment)
        #expect(http.route == .http(key: "a"))
        #expect(http.connections == 100)
    }

    @Test(arguments: [
        ["http://h"], ["localhost:8081"], ["ws://"], ["ws://h/#x"], ["ws://h h"], ["ws://h:99999"],
        ["--connections", "0"], ["--connections", "x"], ["--channels", "0"], ["--channels", "101"],
        ["--connections", "5", "--channels", "6"], ["--size", "31"], ["--size", "1000000000"],
        ["--channel-prefix", "a\u{1}b"], ["--messages", "0"], ["--messages", "1", "--duration", "1"],
        ["--duration", "0"], ["--duration", "soon"], ["--warm-up", "-1"], ["--rate", "0"], ["--rate", "nan"],
        ["--rate", "1e9"], ["--in-flight", "0"], ["--rate", "1", "--in-flight", "1"], ["--publish", "mail"],
        ["--publish", "redis"], ["--redis", "redis://h"], ["--redis-prefix", "x"],
        ["--publish", "redis", "--redis", "http://h"],
        ["--publish", "redis", "--redis", "redis://h", "--publish-key", "k"],
        ["--publish-key", ""], ["--publish-key", "a b"], ["--publish-key", "a\r\nb"], ["--subprotocol", "other"],
        ["--patience", "0"],
    ])
    func whatCannotBeIsRefusedAndNamed(arguments: [String]) throws {
        let problem = try problem(arguments)
        #expect((["url"] + arguments).contains { problem.hasPrefix("\($0): '") })
        #expect(!problem.contains("\n"))
    }

    @Test func secretsAreNotShown() throws {
        for arguments in [
            ["--publish", "redis", "--redis", "nonsense://u:secret@h"], ["--publish-key", "secret key"],
            ["--redis", "redis://u:secret@h"], ["--publish", "redis", "--redis", "rediss://u:secret@h"],
            ["--publish", "redis", "--redis", "redis+cluster://u:secret@h"],
            ["--publish", "redis", "--redis", "redis://h", "--publish-key", "secret"],
        ] {
            #expect(try !problem(arguments).contains("secret"))
        }
    }
}
