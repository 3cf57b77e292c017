package import Broker

/// The rules for every broker, checked on one that a test drives.
package struct BrokerConformance {
    /// A broken rule.
    package struct Violation: Error, CustomStringConvertible {
        /// How it was broken.
        package let description: String
    }

    private let broker: any Broker
    private let recorder: BrokerRecorder
    private let wait: (_ what: String, _ condition: () -> Bool) throws -> Void

    /// - Parameters:
    ///   - recorder: the broker's delegate.
    ///   - wait: turns the broker's loop until a condition holds.
    package init(
        _ broker: any Broker, _ recorder: BrokerRecorder,
        wait: @escaping (_ what: String, _ condition: () -> Bool) throws -> Void
    ) {
        self.broker = broker
        self.recorder = recorder
        self.wait = wait
    }

    /// A channel's messages arrive once and in the order in which they were published, and each publish has one
    /// outcome.
    package func checkOrder() throws {
        try subscribe("a")
        try require(broker.subscribe("a"), "a confirmed channel is not confirmed when it is asked for again")
        let outcomes = try publish((0..<100).map { ($0 % 3 == 0 ? "b" : "a", $0) })
        try require(outcomes.allSatisfy { $0.isSuccess }, "a publish failed")
        let expected = (0..<100).filter { $0 % 3 != 0 }
        try wait("the messages") { received("a").count >= expected.count }
        try require(received("a") == expected, "published \(expected), received \(received("a"))")
    }

    /// A channel that is unsubscribed and subscribed again delivers each message once.
    package func checkResubscribing() throws {
        var settlements = 0
        for round in 0..<3 {
            settlements += try subscribe("c")
            _ = try publish([("c", round)])
            try wait("the message of round \(round)") { received("c").count > round }
            broker.unsubscribe("c")
        }
        try require(received("c") == [0, 1, 2], "received \(received("c")) after asking again")
        try require(recorder.settled.count == settlements, "\(settlements) questions, settled: \(recorder.settled)")
    }

    /// While a remote broker is away, publishes fail and subscriptions become ready without a confirmation.
    ///
    /// When it is back, all subscriptions exist again, and those that missed messages are told.
    ///
    /// - Parameters:
    ///   - breakOff: ends the connections to the broker, and keeps them from coming back.
    ///   - restore: lets them come back.
    package func checkLoss(breakOff: () -> Void, restore: () throws -> Void) throws {
        try subscribe("kept")
        breakOff()
        try wait("the loss") { recorder.losses > 0 }
        try require(!broker.subscribe("new"), "a channel was confirmed while the broker was away")
        try wait("the end of waiting") { recorder.settled.contains("new") }
        try require(!recorder.confirmed.contains("new"), "a channel was confirmed while the broker was away")
        let outcomes = try publish([("kept", 1)])
        try require(!outcomes[0].isSuccess, "a publish succeeded while the broker was away")
        try restore()
        try wait("a gap in both channels") { Set(recorder.gaps.map(\.channel)) == ["kept", "new"] }
        _ = try publish([("kept", 2), ("new", 3)])
        try wait("messages after the loss") { !received("kept").isEmpty && !received("new").isEmpty }
        try require(received("kept") == [2] && received("new") == [3], "received \(recorder.messages)")
    }

    /// A node hears what nodes tell, also after a loss, and finds the records that were kept.
    ///
    /// - Parameters:
    ///   - breakOff: ends the connections to the broker, and keeps them from coming back.
    ///   - restore: lets them come back.
    ///   - now: seconds since 1970.
    package func checkNodes(breakOff: () -> Void, restore: () throws -> Void, now: Int) throws {
        guard let broker = broker as? any RemoteBroker else {
            throw Violation(description: "it is not a remote broker")
        }
        broker.joinNodes()
        try wait("the nodes") { recorder.joins == 1 }
        try require(try outcome { broker.tellNodes([1, 10, 255], completion: $0) } == nil, "telling failed")
        try wait("what was told") { recorder.heard == [[1, 10, 255]] }
        breakOff()
        try wait("the loss") { recorder.losses > 0 }
        try require(try outcome { broker.keep([67], until: now + 600, completion: $0) } != nil, "kept while away")
        try restore()
        try wait("the nodes again") { recorder.joins == 2 }
        _ = try outcome { broker.tellNodes([2], completion: $0) }
        try wait("what was told afterwards") { recorder.heard == [[1, 10, 255], [2]] }
        for record in [[65], [66, 0, 255], [65]] as [[UInt8]] {
            try require(try outcome { broker.keep(record, until: now + 600, completion: $0) } == nil, "keeping failed")
        }
        var records: Set<[UInt8]> = []
        let failure = try outcome { broker.readRecords({ records.insert($0) }, completion: $0) }
        try require(
            failure == nil && records == [[65], [66, 0, 255]], "read \(records), \(String(describing: failure))")
        try require(recorder.messages.isEmpty, "a channel got what nodes told: \(recorder.messages)")
    }

    /// Waits for the outcome of a request.
    private func outcome(_ request: (@escaping (BrokerFailure?) -> Void) -> Void) throws -> BrokerFailure? {
        var outcome: BrokerFailure??
        request { outcome = .some($0) }
        try wait("an outcome") { outcome != nil }
        return outcome ?? nil
    }

    /// Subscribes and waits for the confirmation; returns how often the channel is to be settled for it.
    @discardableResult
    private func subscribe(_ channel: String) throws -> Int {
        let earlier = recorder.confirmed.count
        guard !broker.subscribe(channel) else { return 0 }
        try wait("the confirmation of \(channel)") { recorder.confirmed.dropFirst(earlier).contains(channel) }
        return 1
    }

    /// Publishes numbers and waits for the outcome of each.
    private func publish(_ messages: [(channel: String, number: Int)]) throws -> [PublishOutcome] {
        var outcomes: [Int: PublishOutcome] = [:]
        let earlier = recorder.outcomes.count
        for (index, message) in messages.enumerated() {
            let publication = Publication(channel: message.channel, payload: Array("\(message.number)".utf8))
            let ticket = PublishTicket(loop: 0, slot: UInt32(index), generation: 7)
            outcomes[index] = broker.publish(publication, for: ticket)
        }
        try wait("the outcomes") { outcomes.count + recorder.outcomes.count - earlier >= messages.count }
        for (ticket, outcome) in recorder.outcomes.dropFirst(earlier) {
            try require(ticket.loop == 0 && ticket.generation == 7, "a ticket was changed")
            try require(outcomes.updateValue(outcome, forKey: Int(ticket.slot)) == nil, "a publish has two outcomes")
        }
        return messages.indices.compactMap { outcomes[$0] }
    }

    private func received(_ channel: String) -> [Int] {
        recorder.messages.filter { $0.channel == channel }.compactMap {
            Int(String(decoding: $0.payload, as: UTF8.self))
        }
    }

    private func require(_ condition: Bool, _ violation: String) throws {
        guard condition else { throw Violation(description: violation) }
    }
}

extension PublishOutcome {
    fileprivate var isSuccess: Bool { if case .success = self { true } else { false } }
}
