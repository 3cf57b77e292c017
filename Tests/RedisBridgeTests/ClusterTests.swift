import Bytes
import Glibc
import Testing

@testable import RedisBridge

/// The parts of the cluster support that need no cluster; Tests/Acceptance/test_redis_cluster.py uses a real one.
struct ClusterTests {
    @Test func slotsAreThoseOfRedis() throws {
        let file = "pushd-test-\(getpid())-\(UInt32.random(in: .min ... .max)).conf"
        defer { unsafe unlink("/tmp/\(file)") }
        let server = try RedisServer(arguments: [
            "--dir", "/tmp", "--cluster-enabled", "yes", "--cluster-config-file", file,
            "--cluster-port", "\(try RedisServer.freePort())",
        ])
        let client = try RedisClient(port: server.port)
        var names = [
            "", "123456789", "foo{}{bar}", "foo{{bar}}zap", "foo{bar}{zap}", "{user1000}.following", "a}b{c", "{",
            "}{a}",
        ]
        for index in 0..<500 { names.append("é{\(index % 7)\(index % 3 == 0 ? "}" : "")\(index)") }
        for name in names {
            #expect(try client.command("CLUSTER", "KEYSLOT", name) == .integer(SlotSet.slot(of: name)), "\(name)")
            let key = RedisChannelMap(prefix: "", aliases: []).noteKey(ofID: "}{", on: name)
            #expect(SlotSet.slot(of: key) == SlotSet.slot(of: name), "\(key)")
        }
    }

    @Test func slotSetsAreSets() {
        let low = SlotSet([0...99, 50...149])
        #expect(low.contains(0) && low.contains(149) && !low.contains(150))
        #expect(SlotSet.all.subtracting(low).union(low) == SlotSet.all)
        #expect(low.removing(7).inserting(7) == low)
        #expect(low.removing(7) != low)
        #expect(SlotSet().isEmpty && !low.isEmpty)
        #expect(SlotSet([16_000...99_999]).contains(16_383), "what lies outside is left out")
    }

    @Test func aRedirectionIsRead() {
        let moved = ClusterRedirection(error: "MOVED 3999 127.0.0.1:6381")
        #expect(moved?.slot == 3999)
        #expect(moved?.server == .tcp(host: "127.0.0.1", port: 6381))
        #expect(ClusterRedirection(error: "MOVED 0 ::1:6381")?.server == .tcp(host: "::1", port: 6381))
    }

    @Test(arguments: [
        "", "MOVED", "MOVED 1", "MOVED x 127.0.0.1:1", "MOVED 16384 127.0.0.1:1", "MOVED -1 127.0.0.1:1",
        "MOVED 1 127.0.0.1", "MOVED 1 127.0.0.1:70000", "ASK 1 127.0.0.1:1", "ERR MOVED 1 h:1",
    ])
    func otherErrorsAreNone(text: String) {
        #expect(ClusterRedirection(error: text) == nil)
    }

    @Test func namesOfOtherShardsAreLeftOut() {
        let map = RedisChannelMap(prefix: "push:", aliases: [("global_channel", "global")])
        let own = SlotSet().inserting(SlotSet.slot(of: "push:global"))
        #expect(ChannelNames(map: map, slots: own).redisChannels(for: "global") == ["push:global"])
        #expect(
            ChannelNames(map: map, slots: SlotSet.all.subtracting(own)).redisChannels(for: "global")
                == ["global_channel"])
        #expect(ChannelNames(map: map).redisChannels(for: "global") == ["push:global", "global_channel"])
    }

    @Test func aProbeIsInOneOfTheSlots() {
        var random = SystemRandomNumberGenerator()
        let slots = SlotSet([100...109])
        let probe = RoundTripProbe(in: slots, using: &random)
        #expect(slots.contains(slotOf: probe.channel))
        #expect(probe.channel.hasPrefix("pushd:probe:"))
    }
}

struct OutstandingCommandsTests {
    private func bytes(_ text: String, _ body: (RawSpan) -> Bool) -> Bool {
        body(Array(text.utf8).rawSpan)
    }

    @Test func aReplyForEachNameEndsACommand() {
        var commands = OutstandingCommands()
        commands.append(SubscriptionCommand(.subscribe, ["a", "b"]))
        commands.append(SubscriptionCommand(.unsubscribe, ["a"]))
        #expect(bytes("a") { commands.answered(.subscribe, $0) })
        #expect(!bytes("a") { commands.answered(.unsubscribe, $0) }, "it is not its turn: Redis did this by itself")
        #expect(bytes("b") { commands.answered(.subscribe, $0) })
        #expect(bytes("a") { commands.answered(.unsubscribe, $0) })
        #expect(commands.refused() == nil)
    }

    @Test func anErrorAnswersTheWholeCommand() {
        var commands = OutstandingCommands()
        let first = SubscriptionCommand(.subscribe, ["a", "b"])
        commands.append(first)
        commands.append(SubscriptionCommand(.subscribe, ["c"]))
        #expect(commands.refused() == first)
        #expect(bytes("c") { commands.answered(.subscribe, $0) })
    }
}
