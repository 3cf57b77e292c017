import Bytes
import Channels
import FuzzSupport
import WebSocket

/// A hub that is driven by a script, and the messages that each of its clients may receive.
///
/// Each step is a byte for the action and a byte for the client. When a flush reports an event for a client, that
/// client acts at once, as a real one does that was waiting for room.
final class HubScript {
    final class Client {
        let slot: UInt32
        let link: Int
        var channels: Set<String> = []
        /// The numbers of the messages that were published while it was joined.
        var published: [Int] = []
        var isLost = false

        init(slot: UInt32, link: Int) { (self.slot, self.link) = (slot, link) }
    }

    /// Each has a policy, see `policies`.
    static let channels = ["a", "b", "old", "new", "last", "keys"]
    private static let policies: [SlowConsumerPolicies.Rule] = [
        .init(pattern("old"), .dropOldest), .init(pattern("new"), .dropNewest), .init(pattern("last"), .conflate),
        .init(pattern("keys"), .conflate),
    ]

    private static func pattern(_ text: String) -> ChannelPattern {
        expectSome(ChannelPattern(text), "a pattern")
    }

    let hub: Hub
    let transport = ScriptedTransport()
    private var script: ArraySlice<UInt8>
    private(set) var clients: [Client] = []
    private(set) var gone: [Client] = []
    private(set) var counts = Counts()
    private var messages = 0
    private var links = 0

    /// The fate of the messages, counted per subscriber.
    struct Counts {
        var published = 0
        var settled = 0
    }

    init(_ script: [UInt8], outboxLimitBytes: Int) {
        self.script = script[...]
        hub = Hub(outboxLimitBytes: outboxLimitBytes, policies: SlowConsumerPolicies(rules: HubScript.policies))
        hub.attach(transport)
    }

    func run() {
        for _ in 0..<4 { connect() }
        while !script.isEmpty {
            step()
            checkQueues()
        }
        settle()
    }

    private func next() -> Int { Int(script.popFirst() ?? 0) }

    private func step() {
        let action = next()
        guard !clients.isEmpty else { return connect() }
        let client = clients[next() % clients.count]
        switch action % 16 {
        case 0..<9: act(action, client)
        case 9, 10: flush()
        case 11:
            transport.links[client.link].room = next()
            hub.writable(client.slot)
        case 12: transport.portionBytes = action < 128 ? .max : 1 + next()
        case 13: if action > 200 { transport.links[client.link].isBroken = true } else { connect() }
        case 14: hub.shed(bytes: next())
        default: disconnect(client)
        }
    }

    /// The actions that a client may take at any time.
    private func act(_ action: Int, _ client: Client) {
        let channel = HubScript.channels[next() % HubScript.channels.count]
        switch action % 16 {
        case 0, 1: expectEqual(hub.join(client.slot, channel), client.channels.insert(channel).inserted, "joined")
        case 2: expectEqual(hub.leave(client.slot, channel), client.channels.remove(channel) != nil, "left")
        case 3: if !client.isLost { hub.reply(client.slot, .text, message: Array("reply".utf8).rawSpan) }
        default: publish(to: channel, action)
        }
    }

    private func publish(to channel: String, _ action: Int) {
        messages += 1
        for client in clients where client.channels.contains(channel) {
            client.published.append(messages)
            counts.published += 1
        }
        let padding = [UInt8](repeating: 0x20, count: action > 224 ? 200 : action / 16)
        let payload = Array("\(messages) \(channel)".utf8) + padding
        let key = channel == "keys" ? "\(action % 5)" : nil
        hub.deliver(Message(channel: channel, payload: payload, key: key, receivedNanoseconds: 0))
    }

    private func connect() {
        guard clients.count < 12 else { return }
        transport.links.append(ScriptedTransport.Link(room: links % 3 == 0 ? .max : 100))
        clients.append(Client(slot: hub.add(link: Int32(links)), link: links))
        links += 1
    }

    private func disconnect(_ client: Client) {
        hub.remove(client.slot)
        clients.removeAll { $0 === client }
        gone.append(client)
    }

    private func flush() {
        hub.flush(holdingBusy: next() % 3 == 0)
        handOutEvents { self.goOn($0) }
    }

    private func handOutEvents(_ act: (Client) -> Void) {
        while let (slot, event) = hub.nextEvent() {
            guard let client = clients.first(where: { $0.slot == slot }) else {
                expect(false, "an event of slot \(slot), which is nobody's")
                return
            }
            if case .lost = event { client.isLost = true }
            act(client)
        }
    }

    /// A client acts on its event.
    private func goOn(_ client: Client) {
        guard !script.isEmpty else { return }
        let action = next()
        switch action % 16 {
        case 0..<9: act(action, client)
        case 15: disconnect(client)
        default: break
        }
    }

    /// All clients read everything.
    private func settle() {
        transport.portionBytes = .max
        repeat {
            for client in clients {
                transport.links[client.link].room = .max
                hub.writable(client.slot)
            }
            hub.flush()
            handOutEvents { _ in }
        } while hub.hasMarked || hub.holdsChannels
        for client in clients { expect(client.isLost || hub.queuedBytes(of: client.slot) == 0, "something waits") }
        while let client = clients.first { disconnect(client) }
        count()
        expectEqual(counts.settled, counts.published, "deliveries that were counted")
        expectEqual(hub.queuedBytes, 0, "bytes queued for nobody")
        expectEqual(hub.heldBytes, 0, "bytes held for nobody")
        expectEqual(hub.channelCount, 0, "channels of nobody")
    }

    private func count() {
        let counted = hub.takeCounts()
        counts.settled += counted.deliveries + counted.droppedByClosing
        for cause in DropCause.allCases { counts.settled += counted.dropped[cause.rawValue] }
    }

    private func checkQueues() {
        count()
        let queued = clients.reduce(0) { $0 + hub.queuedBytes(of: $1.slot) }
        expectEqual(hub.queuedBytes, queued, "the sum of what is queued")
        expect(hub.heldBytes >= queued, "less is held than is queued")
        expectEqual(hub.subscriptionCount, clients.reduce(0) { $0 + $1.channels.count }, "subscriptions")
    }
}
