import TestSupport
import Testing

@testable import RedisBridge

/// A stream in Redis, its Pub/Sub and a follower, at random: everything is delivered once and in order, and a loss is
/// told only of what is gone.
struct StreamFollowerModelTests {
    @Test(arguments: 0..<60)
    func everythingIsDeliveredOnceOrToldAsLost(_ seed: UInt64) {
        var scene = Scene(seed)
        for _ in 0..<3000 { scene.act() }
        scene.settle()
    }
}

private struct Scene {
    /// What Redis has.
    private var epoch: UInt64 = 1
    private var last: UInt64 = 0
    private var entries: [StreamEntry] = []
    private var time: UInt64 = 0
    private let maxEntries: Int
    private let maxPage: Int

    private var follower = StreamFollower()
    private var isSubscribed = false
    /// On its way to the follower.
    private var link: [(epoch: UInt64, entry: StreamEntry)] = []
    private var reads: [(number: UInt32, page: StreamPage?)] = []
    /// The last message that was delivered; nil before the first read.
    private var delivered: (epoch: UInt64, offset: UInt64)?
    private var random: SeededGenerator

    init(_ seed: UInt64) {
        random = SeededGenerator(seed: seed)
        maxEntries = Int.random(in: 3...40, using: &random)
        maxPage = Int.random(in: 2...30, using: &random)
    }

    mutating func act() {
        switch Int.random(in: 0..<100, using: &random) {
        case 0..<35: publish()
        case 35..<60: receive()
        case 60..<64: if !link.isEmpty { link.remove(at: Int.random(in: 0..<link.count, using: &random)) }
        case 64..<67: if let any = link.randomElement(using: &random) { link.append(any) }
        case 67..<69: lose()
        case 69..<76: subscribe()
        case 76..<84: if follower.needsRead { reads.append((follower.reading(), nil)) }
        case 84..<89: execute()
        case 89..<95: answer()
        case 95: if Bool.random(using: &random) { fail() } else { follower.check() }
        case 96: if Int.random(in: 0..<10, using: &random) == 0 { forget() }
        case 97: if Int.random(in: 0..<10, using: &random) == 0 { loseWrites() }
        default: receive()
        }
    }

    /// Nothing is published or lost any more: at the end everything was delivered.
    mutating func settle() {
        if isSubscribed { follower.check() } else { subscribe() }
        for _ in 0..<1000 where !(follower.isSynced && link.isEmpty && reads.isEmpty) {
            receive()
            if follower.needsRead { reads.append((follower.reading(), nil)) }
            execute()
            answer()
        }
        #expect(follower.isSynced && delivered?.epoch == epoch && delivered?.offset == last)
    }

    // MARK: - Redis

    private mutating func publish() {
        last += 1
        time += 1
        let entry = StreamEntry(offset: last, timeMicroseconds: time, key: nil, payload: [])
        entries.append(entry)
        if entries.count > maxEntries { entries.removeFirst() }
        if isSubscribed { link.append((epoch, entry)) }
    }

    private mutating func forget() {
        time += 1
        (epoch, last, entries) = (time, 0, [])
    }

    /// A failover to a replica that lacks the last messages; it breaks the link.
    private mutating func loseWrites() {
        lose()
        let count = min(entries.count, 3)
        entries.removeLast(count)
        last -= UInt64(count)
    }

    /// Redis runs the script for the oldest read that it has not seen.
    private mutating func execute() {
        guard let index = reads.firstIndex(where: { $0.page == nil }) else { return }
        let mark = follower.mark
        if let mark, mark.epoch == epoch {
            let same = entries.first { $0.offset == mark.offset }
            let isOther = mark.timeMicroseconds != 0 && same != nil && same?.timeMicroseconds != mark.timeMicroseconds
            if last < mark.offset || isOther { renew() }
        }
        let new = entries.filter { mark?.epoch != epoch || $0.offset > mark?.offset ?? 0 }
        reads[index].page = StreamPage(
            epoch: epoch, lastOffset: last, nowMicroseconds: time, isMore: new.count > maxPage,
            entries: Array(new.prefix(maxPage)))
    }

    /// The same messages in another epoch.
    private mutating func renew() {
        time += 1
        epoch = time
        entries = entries.enumerated().map {
            StreamEntry(offset: UInt64($0) + 1, timeMicroseconds: $1.timeMicroseconds, key: nil, payload: [])
        }
        last = UInt64(entries.count)
    }

    // MARK: - The follower

    private mutating func receive() {
        guard !link.isEmpty else { return }
        let (epoch, entry) = link.removeFirst()
        if follower.received(entry, epoch: epoch) { note(entry, epoch) }
    }

    private mutating func lose() {
        isSubscribed = false
        link = []
        follower.lost()
    }

    private mutating func subscribe() {
        guard !isSubscribed else { return }
        isSubscribed = true
        follower.subscribed()
    }

    private mutating func answer() {
        guard let first = reads.first, let page = first.page else { return }
        reads.removeFirst()
        for step in follower.answered(page, to: first.number) {
            switch step {
            case .restart(let epoch, let offset, let isLoss):
                check(epoch, after: offset, isLoss: isLoss, page)
                delivered = (epoch, offset)
            case .takeTexts: #expect(!page.isMore && delivered?.offset == page.lastOffset)
            case .keep(let entry), .deliver(let entry): note(entry, page.epoch)
            }
        }
    }

    private mutating func fail() {
        guard let first = reads.first else { return }
        reads.removeFirst()
        follower.failed(first.number)
    }

    /// Messages come once, in order and without a hole.
    private mutating func note(_ entry: StreamEntry, _ epoch: UInt64) {
        #expect(delivered?.epoch == epoch && delivered?.offset == entry.offset - 1)
        delivered = (epoch, entry.offset)
    }

    /// A loss is told exactly if the follower had something and the stream has not what comes next.
    private func check(_ epoch: UInt64, after offset: UInt64, isLoss: Bool, _ page: StreamPage) {
        guard let delivered else { return #expect(!isLoss) }
        guard delivered.epoch == epoch else { return #expect(isLoss) }
        #expect(offset > delivered.offset)
        #expect(!page.entries.contains { $0.offset > delivered.offset && $0.offset <= offset }, "it was not gone")
    }
}
