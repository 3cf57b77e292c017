import Channels
import Glibc
import Synchronization
import Testing

/// The loops that a message was posted to.
private func posts(_ directory: ChannelDirectory, _ channel: String) -> (loops: [Int], total: Int) {
    var loops: [Int] = []
    let total = directory.publish(message(channel, "x")) { loops.append($0) }
    return (loops, total)
}

@Suite struct ChannelDirectoryTests {
    @Test func countsSubscribersOfEachLoop() {
        let directory = ChannelDirectory(loops: 3, isAlwaysReady: true)
        #expect(directory.counts == (channels: 0, subscriptions: 0))
        for loop in [0, 2, 2] { #expect(directory.acquire("a", loop: loop)) }
        #expect(directory.acquire("b", loop: 1))
        #expect(directory.counts == (channels: 2, subscriptions: 4))
        #expect(posts(directory, "a") == ([0, 2], 3))
        #expect(posts(directory, "b") == ([1], 1))
        #expect(posts(directory, "c") == ([], 0))
        #expect(["a", "b", "c"].map { directory.subscribers(of: $0) } == [3, 1, 0])
        #expect(!directory.release("a", loop: 2))
        #expect(posts(directory, "a") == ([0, 2], 2))
        #expect(!directory.release("a", loop: 2))
        #expect(posts(directory, "a") == ([0], 1))
        #expect(directory.isWanted("a"))
        #expect(directory.release("a", loop: 0))
        #expect(!directory.isWanted("a"))
        #expect(posts(directory, "a") == ([], 0))
        #expect(directory.counts == (channels: 1, subscriptions: 1))
    }

    @Test func aMessageGoesOnceToEachLoopWithSubscribersOfWildcards() {
        let directory = ChannelDirectory(loops: 3, isAlwaysReady: true)
        for (name, loop) in [("a.*", 1), ("*", 1), ("a.b", 0), ("a.b", 1)] {
            #expect(directory.acquire(name, loop: loop))
        }
        #expect(posts(directory, "a.b") == ([0, 1], 4))
        #expect(posts(directory, "b") == ([1], 1))
        #expect(!directory.release("a.b", loop: 0))
        #expect(directory.release("*", loop: 1))
        #expect(posts(directory, "a.b") == ([1], 2))
        #expect(posts(directory, "b") == ([], 0))
    }

    @Test func releasingWhatNobodyHasChangesNothing() {
        let directory = ChannelDirectory(loops: 1, isAlwaysReady: true)
        #expect(!directory.release("a", loop: 0))
        #expect(directory.counts == (channels: 0, subscriptions: 0))
    }

    @Test func aChannelIsReadyOnceItIsConfirmed() {
        let directory = ChannelDirectory(loops: 2, isAlwaysReady: false)
        #expect(!directory.acquire("a", loop: 0))
        #expect(!directory.acquire("a", loop: 1))
        directory.markReady("a")
        #expect(directory.acquire("a", loop: 0))
        #expect(!directory.acquire("b", loop: 0))
        directory.markReady("b")
        directory.markNothingReady()
        #expect(!directory.acquire("a", loop: 0))
        #expect(!directory.acquire("b", loop: 0))
    }

    @Test func readinessEndsWithTheLastSubscriber() {
        let directory = ChannelDirectory(loops: 1, isAlwaysReady: false)
        directory.markReady("a")
        #expect(!directory.isWanted("a"))
        #expect(!directory.acquire("a", loop: 0))
        directory.markReady("a")
        #expect(directory.release("a", loop: 0))
        #expect(!directory.acquire("a", loop: 0))
    }

    /// As in the hub, names are compared by their bytes.
    @Test func channelsWhoseNamesLookTheSameAreDifferent() {
        let directory = ChannelDirectory(loops: 2, isAlwaysReady: true)
        _ = directory.acquire("caf\u{E9}", loop: 0)
        #expect(!directory.isWanted("cafe\u{301}"))
        _ = directory.acquire("cafe\u{301}", loop: 1)
        #expect(posts(directory, "caf\u{E9}") == ([0], 1))
        #expect(posts(directory, "cafe\u{301}") == ([1], 1))
        #expect(directory.release("caf\u{E9}", loop: 0))
    }

    /// Many threads publish at once; both loops' inboxes must have the same order.
    @Test func allLoopsSeeTheSameOrder() async {
        let directory = ChannelDirectory(loops: 2, isAlwaysReady: true)
        for (channel, loop) in [("a", 0), ("a", 1), ("b", 0), ("b", 1)] { _ = directory.acquire(channel, loop: loop) }
        let inboxes = [Inbox(), Inbox()]
        await withTaskGroup(of: Void.self) { group in
            for publisher in 0..<8 {
                group.addTask { @concurrent in
                    for number in 0..<500 {
                        let message = message(number % 2 == 0 ? "a" : "b", "\(publisher) \(number)")
                        let total = directory.publish(message) { inboxes[$0].post(message) }
                        #expect(total == 2)
                    }
                }
            }
        }
        let (first, second) = (inboxes[0].messages, inboxes[1].messages)
        #expect(first.count == 4_000)
        for channel in ["a", "b"] {
            let order = first.filter { $0.channel == channel }.map(ObjectIdentifier.init)
            #expect(order == second.filter { $0.channel == channel }.map(ObjectIdentifier.init))
            #expect(order.count == 2_000)
        }
        for publisher in 0..<8 {
            let own = first.map { String(decoding: $0.payload, as: UTF8.self) }.filter { $0.hasPrefix("\(publisher) ") }
            #expect(own == (0..<500).map { "\(publisher) \($0)" })
        }
    }

    @Test func acquiringAndReleasingFromManyThreadsLosesNothing() async {
        let directory = ChannelDirectory(loops: 4, isAlwaysReady: true)
        let lasts = await withTaskGroup(of: Int.self) { group in
            for loop in 0..<4 {
                group.addTask { @concurrent in
                    var lasts = 0
                    for _ in 0..<1_000 {
                        _ = directory.acquire("a", loop: loop)
                        lasts += directory.release("a", loop: loop) ? 1 : 0
                    }
                    return lasts
                }
            }
            return await group.reduce(0, +)
        }
        #expect(lasts >= 1)
        #expect(directory.counts == (channels: 0, subscriptions: 0))
    }
}

/// The messages that one loop was sent.
private final class Inbox: Sendable {
    private let state = Mutex<[Message]>([])

    /// Lets another thread run before the next loop gets the message, so that it could overtake.
    func post(_ message: Message) {
        state.withLock { $0.append(message) }
        sched_yield()
    }

    var messages: [Message] { state.withLock { $0 } }
}
