import Access
import Channels
import Logging
import PushServer
import RedisBridge
import Testing
import WSLoop

@testable import pushd

/// The defaults, and options whose values have a meaning of their own.
@Suite struct SettingsTests {
    @Test func theDefaultsAreTheContracts() throws {
        let settings = try Settings(parsing: [])
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
        #expect(try Settings(parsing: ["--max-publish", "10000000"]).server.outboxLimitBytes == 20_000_000)
        #expect(try Settings(parsing: ["--max-publish", "10"]).server.outboxLimitBytes == 4_194_304)
        #expect(try Settings(parsing: ["--outbox-limit", "2097152"]).warnings.isEmpty)
        #expect(try Settings(parsing: ["--outbox-limit", "19", "--max-publish", "9"]).warnings.isEmpty)
        for arguments in [["--outbox-limit", "2097151"], ["--outbox-limit", "19", "--max-publish", "10"]] {
            let warnings = try Settings(parsing: arguments).warnings
            #expect(warnings.count == 1 && warnings[0].contains("--outbox-limit (\(arguments[1]))"))
            #expect(warnings[0].contains("--max-publish"))
        }
    }

    @Test func compressionIsOffUnlessItIsTurnedOn() throws {
        #expect(try Settings(parsing: []).server.compresses == false)
        #expect(try Settings(parsing: ["--compression", "on"]).server.compresses)
        #expect(try Settings(parsing: [], ["PUSHD_COMPRESSION": "on"]).server.compresses)
        #expect(
            try Settings(parsing: ["--compression", "off"], ["PUSHD_COMPRESSION": "on"]).server.compresses == false)
    }

    @Test func slowConsumerPoliciesByPattern() throws {
        #expect(try Settings(parsing: []).server.slowConsumers.policy(of: "a") == .disconnect)
        let given = ["a.b=drop-newest", "a.*=conflate", "drop-oldest", "x=y=disconnect"]
        for settings in [
            try Settings(parsing: given.flatMap { ["--slow-consumer", $0] }),
            try Settings(parsing: [], ["PUSHD_SLOW_CONSUMER": given.joined(separator: ",")]),
        ] {
            let policies = settings.server.slowConsumers
            #expect(policies.policy(of: "a.b") == .dropNewest, "the first that matches")
            #expect(policies.policy(of: "a.c") == .conflate)
            #expect(policies.policy(of: "b") == .dropOldest)
            #expect(policies.policy(of: "x=y") == .disconnect)
        }
    }

    @Test func aMessageRateClosesUnlessItIsToAnswer() throws {
        let usual = try Settings(parsing: []).server
        #expect(usual.maxMessageRate == 50_000 && usual.rateExcess == .pause)
        #expect(try Settings(parsing: ["--max-message-rate", "any"]).server.maxMessageRate == nil)
        let server = try Settings(parsing: ["--max-message-rate", "5"]).server
        #expect(server.maxMessageRate == 5 && server.rateExcess == .close)
        let dry = try Settings(parsing: ["--max-message-rate", "5:error:dry"]).server
        #expect(dry.maxMessageRate == Limit(5, isEnforced: false) && dry.rateExcess == .error)
        #expect(
            try Settings(parsing: ["--max-message-rate", "5:dry"]).server.maxMessageRate == Limit(5, isEnforced: false))
    }
}
