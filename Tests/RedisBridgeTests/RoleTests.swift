import Broker
import Bytes
import TestSupport
import Testing
import WSLoop

@testable import RedisBridge

/// Masters that become replicas, and replicas that become masters.
@Suite(.serialized)
struct RoleTests {
    /// A timing with a probe every 100 ms.
    private var timing: RedisTiming {
        var timing = Harness.quickTiming
        timing.silenceMilliseconds = 600
        timing.publishMilliseconds = 100
        return timing
    }

    private func replicate(_ server: RedisServer, _ master: RedisServer?) throws {
        let client = try RedisClient(port: server.port)
        let words = master.map { ["REPLICAOF", "127.0.0.1", "\($0.port)"] } ?? ["REPLICAOF", "NO", "ONE"]
        #expect(try client.command(words.map { Array($0.utf8) }) == .text("OK"))
    }

    private func makeServer() throws -> RedisServer {
        try RedisServer(arguments: ["--repl-diskless-sync-delay", "0", "--repl-diskless-load", "on-empty-db"])
    }

    /// Publishes at a master until a message arrives through its replica, which may only be connecting.
    private func waitForDelivery(_ harness: Harness, from server: RedisServer, on channel: String) throws {
        let client = try RedisClient(port: server.port)
        let before = harness.recorder.messages.count
        try harness.wait(for: "a message by way of the replica") {
            _ = try client.publish([1], to: "push:\(channel)")
            return harness.recorder.messages.count > before
        }
    }

    @Test func aMasterThatBecomesAReplicaIsTold() throws {
        let (server, other) = (try makeServer(), try makeServer())
        try Harness.run(server.url, timing: timing) { harness in
            try harness.subscribe("a")
            try harness.waitUntilUsable()
            harness.recorder.forget()
            try replicate(server, other)
            try harness.wait(for: "the change") { !harness.recorder.states.isEmpty }
            let reason = "127.0.0.1:\(server.port): this is a replica of 127.0.0.1:\(other.port); "
            #expect(harness.recorder.statuses[0].reason?.hasPrefix(reason) == true)
            #expect(harness.recorder.states == [.disconnected])
            #expect(!harness.bridge.status.isUsable)
            // Messages published at the master still arrive; messages published here would not reach it.
            try waitForDelivery(harness, from: other, on: "a")
            #expect(harness.recorder.losses == 0)
            var outcome: Result<Int, RedisPublishFailure>?
            harness.bridge.publish([1], to: "a") { outcome = $0 }
            try harness.wait(for: "an answer") { outcome != nil }
            #expect(outcome == .failure(.notConnected))
            // Attempts continue without being reported.
            #expect(harness.recorder.statuses.count == 1)
            try replicate(server, nil)
            try harness.waitUntilUsable()
            #expect(harness.recorder.states == [.disconnected, .connected])
            try harness.wait(for: "resubscribed") { harness.bridge.status.subscribedChannels == 1 }
            #expect(harness.recorder.losses == 1)
            #expect(harness.recorder.gaps.map(\.channel) == ["a"])
        }
    }

    @Test func aReplicaIsListenedToFromTheBeginning() throws {
        let (server, master) = (try makeServer(), try makeServer())
        try replicate(server, master)
        try Harness.run(server.url, timing: timing) { harness in
            _ = harness.bridge.subscribe("a")
            try harness.wait(for: "the subscription") { harness.bridge.isConfirmed("a") }
            try harness.wait(for: "the reason") {
                harness.bridge.status.reason?.contains("this is a replica of 127.0.0.1:\(master.port)") == true
            }
            try waitForDelivery(harness, from: master, on: "a")
            // Longer than a link may be silent: it is pinged, although there is no probe.
            let begin = harness.loop.nowMilliseconds
            try harness.wait(for: "the limit of silence") {
                harness.loop.nowMilliseconds - begin > 3 * timing.silenceMilliseconds
            }
            #expect(harness.recorder.losses == 0)
            #expect(harness.recorder.states == [.disconnected])
            try replicate(server, nil)
            try harness.waitUntilUsable()
        }
    }

    @Test func whoeverMayNotAskIsServed() throws {
        let server = try makeServer()
        let client = try RedisClient(port: server.port)
        let rules = ["ACL", "SETUSER", "node", "on", ">pw", "allchannels", "-@all", "+subscribe", "+publish"]
        #expect(try client.command(rules.map { Array($0.utf8) }) == .text("OK"))
        try Harness.run("redis://node:pw@127.0.0.1:\(server.port)", timing: timing) { harness in
            try harness.subscribe("a")
            try harness.waitUntilUsable()
            try harness.wait(for: "several questions") {
                guard case .text(let info) = try client.command("INFO", "commandstats") else { return false }
                return info.contains(#/cmdstat_role:calls=0,[^\n]*rejected_calls=(?:[5-9]|\d\d)/#)
            }
            #expect(harness.recorder.states == [.connected])
            #expect(harness.recorder.losses == 0)
        }
    }
}

/// Links that Redis has cut: the cause must be known, not guessed.
@Suite(.serialized)
struct CutTests {
    @Test(arguments: ["TYPE pubsub", "USER default"])
    func aKilledLinkIsNoOverrun(which: String) throws {
        let server = try RedisServer()
        let client = try RedisClient(port: server.port)
        try Harness.run(server.url) { harness in
            try harness.subscribe("a")
            try harness.waitUntilUsable()
            for round in 1...10 {
                harness.recorder.forget()
                #expect(try client.publish([1], to: "push:a") == 1)
                try harness.wait(for: "message") { harness.recorder.messages.count == 1 }
                let words = ["CLIENT", "KILL"] + which.split(separator: " ").map(String.init)
                guard case .integer = try client.command(words.map { Array($0.utf8) }) else {
                    throw TestFailure(description: "CLIENT KILL")
                }
                try harness.wait(for: "loss") { harness.recorder.losses > 0 }
                try harness.wait(for: "back") {
                    harness.bridge.status.isUsable && harness.bridge.status.subscribedChannels == 1
                }
                #expect(harness.bridge.status.overruns == 0, "round \(round)")
                let reason = harness.recorder.statuses.first?.reason ?? ""
                #expect(reason.contains("Redis closed the connection") || reason.contains("reset by peer"), "\(reason)")
            }
        }
    }

    @Test func whatRedisSaysAfterTheCutIsTold() throws {
        let server = try RedisServer()
        let client = try RedisClient(port: server.port)
        let rules = ["ACL", "SETUSER", "node", "on", ">pw", "+@all", "allchannels"].map { Array($0.utf8) }
        #expect(try client.command(rules) == .text("OK"))
        try Harness.run("redis://node:pw@127.0.0.1:\(server.port)") { harness in
            try harness.waitUntilUsable()
            harness.recorder.forget()
            #expect(try client.command("ACL", "DELUSER", "node") == .integer(1))
            try harness.wait(for: "the reason") {
                harness.recorder.statuses.last?.reason?.contains("AUTH was refused: WRONGPASS") == true
            }
            let told = harness.recorder.statuses.count
            let before = try client.info("total_connections_received")
            try harness.wait(for: "attempts") { try client.info("total_connections_received") >= before + 20 }
            #expect(harness.recorder.statuses.count == told, "each reason is told once")
            #expect(try client.command(rules) == .text("OK"))
            try harness.waitUntilUsable()
            // A new outage is reported again.
            #expect(try client.command("ACL", "DELUSER", "node") == .integer(1))
            try harness.wait(for: "the reason again") {
                harness.recorder.statuses.count > told + 1
                    && harness.recorder.statuses.last?.reason?.contains("WRONGPASS") == true
            }
        }
    }

    @Test func tooManyClientsAreNamed() throws {
        let server = try RedisServer(arguments: ["--maxclients", "1"])
        let client = try RedisClient(port: server.port)
        try Harness.run(server.url) { harness in
            var reasons: Set<String> = []
            try harness.wait(for: "20 attempts") {
                if let reason = harness.bridge.status.reason { reasons.insert(reason) }
                return try client.info("rejected_connections") >= 20
            }
            #expect(reasons.allSatisfy { $0.contains("max number of clients reached") }, "\(reasons)")
            #expect(harness.recorder.states == [.disconnected])
        }
    }

    @Test func aForbiddenProbeIsToldAtOnce() throws {
        let server = try RedisServer()
        let client = try RedisClient(port: server.port)
        let rules = ["ACL", "SETUSER", "node", "on", ">pw", "+@all", "allchannels"].map { Array($0.utf8) }
        #expect(try client.command(rules) == .text("OK"))
        // The probe after the next one is due in minutes.
        var timing = Harness.quickTiming
        timing.silenceMilliseconds = 600_000
        try Harness.run("redis://node:pw@127.0.0.1:\(server.port)", timing: timing) { harness in
            try harness.waitUntilUsable()
            harness.recorder.forget()
            #expect(try client.command("ACL", "SETUSER", "node", "resetchannels") == .text("OK"))
            try harness.wait(for: "the reason") {
                harness.recorder.statuses.last?.reason?.contains("the probe was refused: NOPERM") == true
            }
        }
    }
}
