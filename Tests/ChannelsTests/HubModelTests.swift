import Bytes
import TestSupport
import Testing
import WebSocket

@testable import Channels

/// A naive hub: every connection has a dictionary of the texts that it must get, by channel.
private final class Model {
    final class Connection {
        let link: Int32
        let slot: UInt32
        let form: WireForm
        var channels: Set<String> = []
        var expected: [String: [String]] = [:]
        var isLost = false

        func receives(_ channel: String) -> Bool {
            channels.contains(channel) || channels.contains { $0.wildcardPrefix.map(channel.hasPrefix) == true }
        }

        init(link: Int32, slot: UInt32, form: WireForm) {
            (self.link, self.slot, self.form) = (link, slot, form)
        }
    }

    static let channelNames = (0..<6).map { "channel \($0)" }
    /// Two overlap, and the third has no channel.
    static let names = channelNames + ["channel *", "chan*", "channel 3.*"]
    static let replies = "replies"

    let world: World
    let hub: Hub
    let transport: FakeTransport
    var random: SeededGenerator
    /// Whether sends may fail.
    let fails: Bool
    /// Whether clients act while events are handled, like clients that waited for one.
    let actsOnEvents: Bool
    var connections: [Connection] = []
    var gone: [Connection] = []
    /// The channel of each text.
    var channelOfText: [String: String] = [:]
    var nextNumber = 0
    var nextLink: Int32 = 0
    var published = 0
    var counts = DeliveryCounts()

    init(
        seed: UInt64, outboxLimitBytes: Int, fails: Bool, actsOnEvents: Bool = true, connections: Int = 20,
        policies: SlowConsumerPolicies = SlowConsumerPolicies()
    ) {
        world = World(outboxLimitBytes: outboxLimitBytes, policies: policies)
        (hub, transport, self.fails) = (world.hub, world.transport, fails)
        self.actsOnEvents = actsOnEvents
        random = SeededGenerator(seed: seed)
        for _ in 0..<connections { connect() }
    }

    func connect() {
        let link = nextLink
        nextLink += 1
        let slot = hub.add(link: link)
        let windows: [DeflateWindow?] = [nil, nil, .bits9, .bits12]
        let form = WireForm(
            encoder: random.chance(40) ? 1 : 0, deflated: windows.randomElement(using: &random) ?? nil)
        hub.setForm(form, of: slot)
        transport[link].room = random.chance(50) ? nil : Int.random(in: 0...200, using: &random)
        connections.append(Connection(link: link, slot: slot, form: form))
    }

    func disconnect(_ connection: Connection) {
        hub.remove(connection.slot)
        connections.removeAll { $0 === connection }
        gone.append(connection)
    }

    func lost(_ slot: UInt32, _ reason: LossReason) {
        guard let connection = connections.first(where: { $0.slot == slot }) else {
            Issue.record("\(slot) was reported lost and is nobody's")
            return
        }
        #expect(!connection.isLost || reason == .overBudget(midFrame: true), "reported twice")
        connection.isLost = true
        // Each link fails with its own number, which shows whether the right one is reported.
        if case .failed(let code) = reason { #expect(code == connection.link + 1_000) }
        if random.chance(50) { disconnect(connection) }
    }

    /// A text of any size: most are small, some fill an outbox.
    func text(_ channel: String) -> String {
        nextNumber += 1
        let text =
            "#\(nextNumber) " + String(repeating: "x", count: Int.random(in: 0...40, using: &random))
            + String(repeating: "y", count: random.chance(3) ? 300 : 0)
        channelOfText[text] = channel
        return text
    }

    func publish(_ name: String) {
        let channel = name.isWildcard ? Model.channelNames[3] : name
        let text = text(channel)
        let named = NamingEncoder.text(channel, text)
        channelOfText[named] = channel
        for connection in connections where connection.receives(channel) {
            connection.expected[channel, default: []].append(connection.form.isNaming ? named : text)
            published += 1
        }
        hub.deliver(message(channel, text))
    }

    func reply(_ connection: Connection) {
        let text = text(Model.replies)
        connection.expected[Model.replies, default: []].append(text)
        hub.reply(connection.slot, text)
    }

    func step() {
        guard let connection = connections.randomElement(using: &random),
            let channel = Model.names.randomElement(using: &random)
        else { return connect() }
        switch Int.random(in: 0..<100, using: &random) {
        case ..<68: act(connection, channel)
        case ..<80: turn(holdingBusy: random.chance(30))
        case ..<94: makeRoom(connection)
        case ..<97: if fails { transport[connection.link].failure = connection.link + 1_000 }
        case ..<98: disconnect(connection)
        case ..<99: if fails { hub.shed(bytes: Int.random(in: 0...300, using: &random)) }
        default: if connections.count < 25 { connect() }
        }
        compareLimits()
    }

    /// An action that a client may take at any time.
    func act(_ connection: Connection, _ channel: String) {
        switch Int.random(in: 0..<68, using: &random) {
        case ..<20:
            #expect(hub.join(connection.slot, channel) == connection.channels.insert(channel).inserted)
        case ..<30:
            #expect(hub.leave(connection.slot, channel) == (connection.channels.remove(channel) != nil))
        case ..<60: publish(channel)
        default: if !connection.isLost { reply(connection) }
        }
    }

    /// Flushes and handles the events; clients act during any of them.
    func turn(holdingBusy: Bool = false) {
        world.turn(holdingBusy: holdingBusy) { slot, event in
            if case .lost(let reason) = event { lost(slot, reason) }
            while actsOnEvents, random.chance(50) { actOnEvent(slot) }
        }
    }

    private func actOnEvent(_ slot: UInt32) {
        let itself = connections.first { $0.slot == slot }
        guard let other = connections.randomElement(using: &random),
            let channel = Model.names.randomElement(using: &random)
        else { return }
        if random.chance(5) { return disconnect(other) }
        if random.chance(5), connections.count < 25 { return connect() }
        act(itself ?? other, channel)
    }

    func makeRoom(_ connection: Connection) {
        guard let room = transport[connection.link].room else { return }
        transport[connection.link].room = room + Int.random(in: 1...150, using: &random)
        hub.writable(connection.slot)
    }

    func compareLimits() {
        var total = 0
        for connection in connections {
            let subscriber = hub.subscribers[connection.slot]
            total += hub.queuedBytes(of: connection.slot)
            if subscriber.isBlocked, let outbox = subscriber.outbox {
                // Above the limit, only the rest of a message that was begun is left.
                #expect(outbox.queuedMessageBytes <= hub.outboxLimitBytes || outbox.newestPolicy == nil)
            }
        }
        #expect(hub.queuedBytes == total)
        let sent = hub.subscribers.all.filter(\.isBlocked).reduce(0) { $0 + ($1.outbox?.sentBytesHeld ?? 0) }
        #expect(hub.heldBytes == total + sent)
        #expect(hub.subscriptionCount == connections.reduce(0) { $0 + $1.channels.count })
    }

    /// Unblocks all connections and writes all queues.
    func settle() {
        turn()
        for connection in connections {
            transport[connection.link].room = nil
            hub.writable(connection.slot)
        }
        repeat {
            world.turn { slot, event in if case .lost(let reason) = event { lost(slot, reason) } }
        } while hub.hasMarked
        for connection in connections {
            #expect(hub.queuedBytes(of: connection.slot) == 0 || connection.isLost)
        }
    }

    /// A connection got, on each channel, exactly what it must get, or a prefix of that if it left early.
    func compare(_ connection: Connection, mayEndEarly: Bool) {
        let (texts, rest) = parseFrames(transport.bytes(connection.link))
        #expect(rest.isEmpty || mayEndEarly)
        var received: [String: [String]] = [:]
        for text in texts { received[channelOfText[text] ?? "unknown", default: []].append(text) }
        #expect(received["unknown"] == nil)
        for channel in Model.channelNames + [Model.replies] {
            let (got, expected) = (received[channel] ?? [], connection.expected[channel] ?? [])
            #expect(got == (mayEndEarly ? Array(expected.prefix(got.count)) : expected), "link \(connection.link)")
        }
    }
}

extension Model {
    /// When messages may be dropped: a connection's messages are in order, and it was told how many it missed.
    func compareDropping(_ connection: Connection) {
        let (texts, rest) = parseFrames(transport.bytes(connection.link))
        #expect(rest.isEmpty)
        let notices = texts.filter { $0.hasPrefix("missed") }
        var received: [String: [String]] = [:]
        for text in texts where !notices.contains(text) {
            received[channelOfText[text] ?? "", default: []].append(text)
        }
        var missing = 0
        for channel in Model.channelNames {
            let (got, expected) = (received[channel] ?? [], connection.expected[channel] ?? [])
            var rest = got[...]
            for text in expected where rest.first == text { rest.removeFirst() }
            #expect(rest.isEmpty, "out of order, or from nowhere")
            missing += expected.count - got.count
        }
        #expect(received[Model.replies] ?? [] == connection.expected[Model.replies] ?? [])
        let told = notices.compactMap { Int($0.split(separator: " ").last ?? "") }
        #expect(told.reduce(0, +) == (connection.form.isNaming ? missing : 0))
    }
}

@Suite struct HubModelTests {
    /// Policies that drop never disconnect, and every message is delivered or counted, and reported to clients that get
    /// notices.
    @Test(arguments: 1...40 as ClosedRange<UInt64>)
    func whatIsDroppedIsCountedAndTold(seed: UInt64) throws {
        let rules = [("channel 1", SlowConsumerPolicy.dropNewest), ("channel 2", .conflate), ("channel 3", .conflate)]
        let policies = SlowConsumerPolicies(
            .dropOldest,
            rules: try rules.map { SlowConsumerPolicies.Rule(try #require(ChannelPattern($0)), $1) })
        let model = Model(seed: seed, outboxLimitBytes: 60 + Int(seed) * 10, fails: false, policies: policies)
        for _ in 0..<600 { model.step() }
        model.settle()
        for connection in model.connections {
            #expect(!connection.isLost)
            model.compareDropping(connection)
        }
        #expect(model.hub.queuedBytes == 0)
        let counts = model.hub.takeCounts()
        #expect(counts.settled == model.published)
        #expect(counts.droppedBySlowConsumers > 0)
        #expect(counts.dropped[DropCause.disconnect.rawValue] == 0)
    }

    /// If no queue overflows and no link fails, connections that stay lose nothing.
    @Test(arguments: 1...25 as ClosedRange<UInt64>)
    func everyoneGetsEveryMessageOfItsChannelsInOrder(seed: UInt64) {
        let model = Model(seed: seed, outboxLimitBytes: 1_000_000, fails: false)
        for _ in 0..<600 { model.step() }
        model.settle()
        #expect(model.hub.queuedBytes == 0)
        for connection in model.connections { model.compare(connection, mayEndEarly: false) }
        for connection in model.gone { model.compare(connection, mayEndEarly: true) }
        let counts = model.hub.takeCounts()
        #expect(counts.settled == model.published)
        #expect(counts.droppedBySlowConsumers == 0)
        #expect(counts.sentBytes == (0..<model.nextLink).reduce(0) { $0 + model.transport.bytes($1).count })
    }

    /// Channels with more subscribers than one list of writes holds, and clients that join and leave during events.
    ///
    /// This once took away the batches of a flush that was still running.
    @Test(arguments: 1...10 as ClosedRange<UInt64>)
    func aCrowdThatActsOnEventsDisturbsNoFlush(seed: UInt64) {
        let model = Model(seed: seed, outboxLimitBytes: 2_000, fails: true, connections: 400)
        for connection in model.connections {
            for channel in Model.channelNames.prefix(2) {
                #expect(model.hub.join(connection.slot, channel) == connection.channels.insert(channel).inserted)
            }
        }
        for _ in 0..<300 { model.step() }
        model.settle()
        for connection in model.connections { model.compare(connection, mayEndEarly: connection.isLost) }
        for connection in model.gone { model.compare(connection, mayEndEarly: true) }
        for connection in model.connections { model.disconnect(connection) }
        #expect(model.hub.takeCounts().settled == model.published)
        #expect(model.hub.queuedBytes == 0)
    }

    /// With small limits and broken links, the healthy connections still get everything, and every message is counted
    /// once.
    @Test(arguments: 1...40 as ClosedRange<UInt64>)
    func slowAndBrokenOnesDoNotDisturbTheOthers(seed: UInt64) {
        let model = Model(seed: seed, outboxLimitBytes: Int(seed) * 12, fails: true)
        for _ in 0..<600 { model.step() }
        model.settle()
        for connection in model.connections { model.compare(connection, mayEndEarly: connection.isLost) }
        for connection in model.gone { model.compare(connection, mayEndEarly: true) }
        for connection in model.connections { model.disconnect(connection) }
        let counts = model.hub.takeCounts()
        #expect(counts.settled == model.published)
        #expect(counts.deliveries > 0)
        #expect(model.hub.queuedBytes == 0)
        #expect(model.hub.subscriptionCount == 0)
        #expect(model.hub.channelCount == 0)
    }
}
