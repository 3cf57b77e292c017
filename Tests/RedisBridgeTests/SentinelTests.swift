import Broker
import TestSupport
import Testing
import WSLoop

@testable import RedisBridge

/// Sentinels that disagree; Tests/Acceptance/test_redis_sentinel.py uses real ones.
struct SentinelTests {
    /// A Sentinel's replies to the questions on a new connection.
    private func answers(master: RedisServer, epoch: Int) -> String {
        let login = "+PONG\r\n"
        let details = bulkStrings(["name", "mymaster", "config-epoch", "\(epoch)"])
        return login + details + bulkStrings(["127.0.0.1", "\(master.port)"])
    }

    private func bulkStrings(_ words: [String]) -> String {
        "*\(words.count)\r\n" + words.map { "$\($0.utf8.count)\r\n\($0)\r\n" }.joined()
    }

    @Test(arguments: [(epoch: 1, isBelieved: false), (epoch: 2, isBelieved: true), (epoch: 3, isBelieved: true)])
    func whileTheMasterIsReachableOnlyASentinelThatKnowsAsMuchIsBelieved(epoch: Int, isBelieved: Bool) throws {
        let (master, other) = (try RedisServer(), try RedisServer())
        let loop = try Loop()
        let first = try LoopServer(on: loop, answer: answers(master: master, epoch: 2))
        let second = try LoopServer(on: loop, answer: answers(master: other, epoch: epoch))
        let url = "redis+sentinel://127.0.0.1:\(first.port),127.0.0.1:\(second.port)/mymaster"
        let harness = try Harness(url, loop: loop)
        defer {
            second.close()
            harness.close()
        }
        harness.bridge.start()
        try harness.waitUntilUsable()
        first.close()
        let named = try #require(harness.bridge.shards.first)
        if isBelieved {
            try harness.wait(for: "the other master") {
                named.currentMaster == .tcp(host: "127.0.0.1", port: other.port) && harness.bridge.status.isUsable
            }
        } else {
            // The question follows the reply to the login; this text contains both replies.
            try harness.wait(for: "the question after the login") { second.answered > 1 }
            #expect(named.currentMaster == .tcp(host: "127.0.0.1", port: master.port))
            #expect(harness.bridge.status.reconnects == 0)
        }
    }
}
