import Broker
import TestSupport
import Testing

struct ConformanceTests {
    private func check(_ body: (BrokerConformance) throws -> Void) throws {
        let recorder = BrokerRecorder()
        let broker = EmbeddedBroker { publication in
            recorder.brokerReceived(publication)
            return .success(Published(subscribers: 1))
        }
        let conformance = BrokerConformance(broker, recorder) { what, condition in
            try #require(condition(), "\(what) must need no waiting")
        }
        try body(conformance)
    }

    private func checkToy(_ body: (BrokerConformance, ToyServer) throws -> Void) throws {
        let recorder = BrokerRecorder()
        let server = ToyServer()
        let broker = ToyBroker(server, delegate: recorder)
        let conformance = BrokerConformance(broker, recorder) { what, condition in
            for _ in 0..<10 where !condition() { broker.turn() }
            try #require(condition(), "waited in vain for \(what)")
        }
        try body(conformance, server)
    }

    @Test func theEmbeddedBrokerKeepsTheOrder() throws { try check { try $0.checkOrder() } }
    @Test func theEmbeddedBrokerIsSubscribedAgain() throws { try check { try $0.checkResubscribing() } }
    @Test func aRemoteBrokerKeepsTheOrder() throws {
        try checkToy { conformance, _ in try conformance.checkOrder() }
    }

    @Test func aRemoteBrokerIsSubscribedAgain() throws {
        try checkToy { conformance, _ in try conformance.checkResubscribing() }
    }

    @Test func aRemoteBrokerIsLostAndComesBack() throws {
        try checkToy { conformance, server in
            try conformance.checkLoss(breakOff: { server.isAway = true }, restore: { server.isAway = false })
        }
    }

    @Test func nodesOfARemoteBrokerTellEachOther() throws {
        try checkToy { conformance, server in
            try conformance.checkNodes(
                breakOff: { server.isAway = true }, restore: { server.isAway = false }, now: 1_800_000_000)
        }
    }

    @Test func theEmbeddedBrokerAnswersAtOnce() {
        var delivered: [Publication] = []
        let broker = EmbeddedBroker { publication in
            delivered.append(publication)
            return .success(Published(subscribers: delivered.count))
        }
        let ticket = PublishTicket(loop: 0, slot: 1, generation: 2)
        #expect(broker.subscribe("a"))
        for count in 1...3 {
            let publication = Publication(channel: "a", payload: [UInt8(count)], key: "k")
            #expect(broker.publish(publication, for: ticket) == .success(Published(subscribers: count)))
            #expect(delivered.last == publication)
        }
    }
}
