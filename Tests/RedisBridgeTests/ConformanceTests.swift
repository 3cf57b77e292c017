import Broker
import TestSupport
import Testing
import WSLoop

@testable import RedisBridge

/// Redis as a broker, by the rules that all brokers keep.
@Suite(.serialized)
struct ConformanceTests {
    private func check(_ body: (BrokerConformance, RedisServer, Harness) throws -> Void) throws {
        let server = try RedisServer()
        var timing = Harness.quickTiming
        timing.publishMilliseconds = 50
        try Harness.run(server.url, timing: timing) { harness in
            try harness.waitUntilUsable()
            let conformance = BrokerConformance(harness.bridge, harness.recorder) { what, condition in
                try harness.wait(for: what) { condition() }
            }
            try body(conformance, server, harness)
        }
    }

    @Test func itKeepsTheOrder() throws {
        try check { conformance, _, _ in try conformance.checkOrder() }
    }

    @Test func itIsSubscribedAgain() throws {
        try check { conformance, _, _ in try conformance.checkResubscribing() }
    }

    @Test func nodesTellEachOther() throws {
        try check { conformance, server, harness in
            try conformance.checkNodes(
                breakOff: { server.kill() },
                restore: {
                    try server.start()
                    try harness.waitUntilUsable()
                }, now: Int(Loop.unixTimeSeconds))
        }
    }

    @Test func itIsLostAndComesBack() throws {
        try check { conformance, server, harness in
            try conformance.checkLoss(breakOff: { server.kill() }) {
                try server.start()
                try harness.waitUntilUsable()
            }
        }
    }
}
