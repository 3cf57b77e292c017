import Bytes
import Testing

@testable import Channels

/// Two nodes that tell each other how many subscriptions they have.
@Suite struct SubscriptionTallyTests {
    private let news = ByteName("news")

    @Test func nodesKnowEachOthersSubscriptionsUntilTheyAreGone() {
        var here = PresenceTable(node: 1, isShared: true)
        var there = PresenceTable(node: 2, isShared: true)
        var (gossip, other) = (PresenceGossip(node: 1, heartbeat: 1000), PresenceGossip(node: 2, heartbeat: 1000))
        gossip.connected(at: 0)
        other.connected(at: 0)
        func exchange(at now: UInt64) {
            for message in other.messages(at: now, &there) { gossip.take(message, from: 2, at: now, &here) }
            for message in gossip.messages(at: now, &here) { other.take(message, from: 1, at: now, &there) }
        }
        there.setSubscriptions(3, of: news)
        for now: UInt64 in [0, 2000] { exchange(at: now) }
        here.setSubscriptions(1, of: news)
        #expect(here.takeCountedChannels() == [news])
        #expect(here.subscriptions.count(news) == 4 && here.subscriptions.count(news, besides: 1) == 3)
        #expect(here.subscriptions.channels(besides: 1) == [news: 3])
        there.setSubscriptions(2, of: news)
        exchange(at: 2001)
        #expect(here.subscriptions.count(news) == 3 && there.subscriptions.count(news) == 3)
        #expect(here.takeCountedChannels() == [news] && here.takeCountedChannels().isEmpty)
        gossip.removeSilent(at: 4002, &here)
        #expect(here.subscriptions.count(news) == 1 && here.takeCountedChannels() == [news])
    }

    @Test func whatANodeDoesNotTellAnyMoreIsGone() {
        var tally = SubscriptionTally()
        let old = ByteName("old")
        tally.replace(with: [news: 1, old: 2], at: 2)
        _ = tally.takeChanged()
        tally.replace(with: [news: 1], at: 2)
        #expect(tally.takeChanged() == [old])
        #expect(tally.count(old) == 0 && tally.channels(besides: 1) == [news: 1])
    }

    @Test func aDirectoryNotesWhatHasSubscribers() {
        let directory = ChannelDirectory(loops: 1, isAlwaysReady: true)
        _ = directory.acquire("news", loop: 0)
        #expect(directory.takeCounts().isEmpty)
        directory.noteCounts(true)
        #expect(directory.takeCounts().map(\.subscribers) == [1], "those that are there")
        _ = directory.acquire("news", loop: 0)
        _ = directory.acquire("more", loop: 0)
        _ = directory.release("more", loop: 0)
        let counts = Dictionary(uniqueKeysWithValues: directory.takeCounts().map { ($0.channel.text, $0.subscribers) })
        #expect(counts == ["news": 2, "more": 0])
        directory.noteCounts(false)
        _ = directory.release("news", loop: 0)
        #expect(directory.takeCounts().isEmpty)
    }
}
