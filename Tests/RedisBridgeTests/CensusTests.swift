import Broker
import Testing

@testable import RedisBridge

/// The script with a real Redis.
@Suite(.serialized)
struct CensusTests {
    /// A census with nodes that all report through one bridge.
    private final class Scene {
        let harness: Harness
        let client: RedisClient
        private var numbers: [String: Int] = [:]
        private var lastOrder = 0

        init(_ harness: Harness, _ server: RedisServer) throws {
            self.harness = harness
            client = try RedisClient(port: server.port)
        }

        /// Reports `+name` and `-name`; of the node's last number again if `again`.
        func report(
            _ node: String, _ changes: [String] = [], continues: Bool = true, again: Bool = false
        ) throws -> CensusAnswer {
            if !again { numbers[node, default: 0] += 1 }
            let report = CensusReport(
                node: node, number: numbers[node] ?? 0, continues: continues,
                changes: changes.map { .init(String($0.dropFirst()), isArrival: $0.hasPrefix("+")) })
            var answers: [CensusAnswer] = []
            harness.bridge.report(report) { if let answer = try? $0.get() { answers.append(answer) } }
            try harness.wait(for: "an answer") { !answers.isEmpty }
            return answers[0]
        }

        func report(
            _ node: String, _ changes: [String] = [], continues: Bool = true, again: Bool = false,
            is expected: CensusAnswer, sourceLocation: SourceLocation = #_sourceLocation
        ) throws {
            let answer = try report(node, changes, continues: continues, again: again)
            guard case .taken(let order, let decisive, let gone, let isMore) = answer else {
                return #expect(answer == expected, sourceLocation: sourceLocation)
            }
            #expect(again ? order == lastOrder : order > lastOrder, sourceLocation: sourceLocation)
            lastOrder = order
            let given = CensusAnswer.taken(order: 0, decisive: decisive, gone: gone, isMore: isMore)
            #expect(given == expected, sourceLocation: sourceLocation)
        }

        /// The node's lease is over.
        func expire(_ node: String) throws {
            _ = try client.command("ZADD", "pushd:census:{push:}:leases", "1", node)
        }
    }

    private func run(_ body: (Scene) throws -> Void) throws {
        let server = try RedisServer()
        try Harness.run(server.url) { harness in
            try harness.waitUntilUsable()
            try body(Scene(harness, server))
        }
    }

    private func taken(_ decisive: Bool..., gone: [String] = [], isMore: Bool = false) -> CensusAnswer {
        .taken(order: 0, decisive: decisive, gone: gone, isMore: isMore)
    }

    @Test func theFirstAndTheLastNodeAreTold() throws {
        try run { scene in
            try scene.report("a", ["+room", "+héllo\tx"], continues: false, is: taken(true, true))
            try scene.report("b", ["+room", "+hall"], continues: false, is: taken(false, true))
            try scene.report("a", ["-room", "-room", "+room"], is: taken(false, false, false))
            try scene.report("b", ["-room"], is: taken(false))
            try scene.report("a", ["-room", "-nothing"], is: taken(true, false))
            try scene.report("a", is: .taken(order: 0, decisive: [], gone: [], isMore: false))
        }
    }

    @Test func aReportThatComesAgainIsTakenOnce() throws {
        try run { scene in
            try scene.report("a", ["+room"], continues: false, is: taken(true))
            try scene.report("a", ["+room"], again: true, is: taken(true))
            try scene.report("a", ["-room"], is: taken(true))
            try scene.report("a", ["-room"], again: true, is: taken(true))
            try scene.report("a", ["-room"], is: taken(false))
        }
    }

    @Test func whatOnlyADeadNodeHadIsTold() throws {
        try run { scene in
            _ = try scene.report("a", ["+only", "+both"], continues: false)
            _ = try scene.report("b", ["+both"], continues: false)
            try scene.expire("a")
            try scene.report("b", is: .taken(order: 0, decisive: [], gone: ["only"], isMore: true))
            try scene.report("b", is: .taken(order: 0, decisive: [], gone: [], isMore: false))
            try scene.report("a", ["-both"], is: .forgotten)
            try scene.report("a", ["+only", "+both"], continues: false, is: taken(true, false))
            try scene.report("b", ["-both"], is: taken(false))
        }
    }

    @Test func aNodeWhoseLeaseIsOverIsForgottenEvenIfNobodyHasNoticed() throws {
        try run { scene in
            _ = try scene.report("a", ["+room"], continues: false)
            try scene.expire("a")
            try scene.report("a", ["+hall"], is: .forgotten)
            try scene.report("a", ["+room", "+hall"], continues: false, is: taken(false, true))
        }
    }

    @Test func aDeadNodeWithManyNamesIsClearedInParts() throws {
        try run { scene in
            let names = (0..<250).map { "\($0)" }
            _ = try scene.report("a", names.map { "+\($0)" }, continues: false)
            try scene.expire("a")
            var gone: [String] = []
            var isMore = true
            while isMore {
                guard case .taken(_, _, let part, let more) = try scene.report("b", continues: !gone.isEmpty)
                else { return }
                #expect(part.count <= 100)
                gone += part
                isMore = more
            }
            #expect(gone.sorted() == names.sorted())
            let left = try scene.client.command("HLEN", "pushd:census:{push:}:counts")
            #expect(left == .integer(0))
        }
    }

    @Test func withoutRedisAReportFails() throws {
        try Harness.run("redis://127.0.0.1:\(try RedisServer.freePort())") { harness in
            var failures = 0
            harness.bridge.report(CensusReport(node: "a", number: 1, continues: false, changes: [])) {
                if case .failure = $0 { failures += 1 }
            }
            #expect(failures == 1)
        }
    }
}
