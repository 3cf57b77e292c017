import Broker
import Channels
import TestSupport
import Testing
import WSLoop

@testable import PushServer

/// A broker that is away or confirms at once, and notes the channels that it is asked for.
private final class NotingBroker: Broker {
    var confirms = false
    var channels: Set<String> = []

    func subscribe(_ channel: String) -> Bool {
        channels.insert(channel)
        return confirms
    }

    func unsubscribe(_ channel: String) {
        #expect(channels.remove(channel) != nil, "unsubscribed from what was not asked for")
    }

    func publish(_ publication: Publication, for ticket: PublishTicket) -> PublishOutcome? { nil }
}

@Suite struct SubscriptionsTests {
    private let hub = Hub(outboxLimitBytes: 1_000)
    private let directory = ChannelDirectory(loops: 2, isAlwaysReady: false)
    private let broker = NotingBroker()
    private let subscriptions: Subscriptions

    init() {
        subscriptions = Subscriptions(hub, directory, broker, loop: 1)
    }

    private func connect() -> StreamKey { StreamKey(slot: hub.add(link: 7), generation: 1) }

    @Test func aConfirmedChannelIsNotWaitedFor() {
        broker.confirms = true
        #expect(subscriptions.acquire(["a", "b"], for: connect()) == 0)
        broker.confirms = false
        directory.markReady("a")
        #expect(subscriptions.acquire(["a", "b"], for: connect()) == 1)
        #expect(subscriptions.takeWaiting(for: "a").isEmpty)
        #expect(subscriptions.takeWaiting(for: "b").count == 1)
    }

    @Test func allThatWaitForAChannelAreHandedOverOnce() {
        let keys = (0..<3).map { _ in connect() }
        for key in keys { #expect(subscriptions.acquire(["a"], for: key) == 1) }
        #expect(subscriptions.takeWaiting(for: "a") == keys)
        #expect(subscriptions.takeWaiting(for: "a").isEmpty && subscriptions.waiting.isEmpty)
    }

    @Test func replacingKeepsTheNamedChannels() {
        let key = connect()
        _ = subscriptions.acquire(["a", "b", "c"], for: key)
        for channel in ["a", "b", "c"] { hub.join(key.slot, channel) }
        subscriptions.leaveAll(key.slot, but: ["b", "x"])
        #expect(hub.channelNames(of: key.slot) == ["b"])
        #expect(broker.channels == ["b"])
    }

    /// Random steps of several connections, against sets: the directory and the broker know what is acquired, and
    /// nothing else.
    @Test(arguments: 1...20 as ClosedRange<UInt64>)
    func whatIsAcquiredIsGivenBackOnce(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        let names = ["a", "b", "c", "d"]
        let keys = (0..<5).map { _ in connect() }
        var acquired = [[String]](repeating: [], count: keys.count)
        var joined = [Set<String>](repeating: [], count: keys.count)
        for _ in 0..<300 {
            let index = Int.random(in: 0..<keys.count, using: &random)
            let key = keys[index]
            let name = names[Int.random(in: 0..<names.count, using: &random)]
            switch Int.random(in: 0..<10, using: &random) {
            case ..<5 where acquired[index].isEmpty:
                acquired[index] = names.filter { !joined[index].contains($0) && ($0 == name || $0 > "b") }
                _ = subscriptions.acquire(acquired[index], for: key)
            case ..<4:
                for name in acquired[index] { hub.join(key.slot, name) }
                joined[index].formUnion(acquired[index])
                acquired[index] = []
            case ..<6:
                subscriptions.abandon(acquired[index], for: key)
                acquired[index] = []
            case ..<8:
                subscriptions.leave(key.slot, name)
                joined[index].remove(name)
            case ..<9: _ = subscriptions.takeWaiting(for: name)
            default:
                subscriptions.leaveAll(key.slot)
                joined[index] = []
            }
            for name in names {
                let count = zip(acquired, joined).reduce(0) { $0 + ($1.0 + $1.1).count { $0 == name } }
                #expect(directory.subscribers(of: name) == count)
                #expect(broker.channels.contains(name) == (count > 0))
            }
        }
        for (index, key) in keys.enumerated() {
            subscriptions.abandon(acquired[index], for: key)
            subscriptions.leaveAll(key.slot)
        }
        for name in names { _ = subscriptions.takeWaiting(for: name) }
        #expect(broker.channels.isEmpty && directory.counts.subscriptions == 0 && subscriptions.waiting.isEmpty)
    }
}
