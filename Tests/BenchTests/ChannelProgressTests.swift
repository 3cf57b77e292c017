import TestSupport
import Testing

@testable import Bench

/// The same, by looking at every subscriber's count each time.
private struct NaiveProgress {
    var counts: [Int?]
    var sent = 0
    var failed = 0
    var acknowledged = 0

    var underWay: Int {
        let complete = counts.compactMap(\.self).min() ?? acknowledged
        return sent - failed - min(acknowledged, complete)
    }
}

@Suite struct ChannelProgressTests {
    @Test func aMessageIsUnderWayUntilItIsAnsweredAndEverybodyHasIt() {
        var progress = ChannelProgress()
        progress.join()
        progress.join()
        progress.send()
        #expect(progress.underWay == 1)
        progress.answer(failed: false)
        #expect(progress.underWay == 1)
        progress.arrive(at: 0)
        #expect(progress.underWay == 1)
        progress.arrive(at: 0)
        #expect(progress.underWay == 0)
    }

    @Test func deliveriesMayComeBeforeTheAnswer() {
        var progress = ChannelProgress()
        progress.join()
        progress.send()
        progress.arrive(at: 0)
        #expect(progress.underWay == 1)
        progress.answer(failed: false)
        #expect(progress.underWay == 0)
    }

    @Test func aMessageThatFailedIsNotWaitedFor() {
        var progress = ChannelProgress()
        progress.join()
        progress.send()
        progress.answer(failed: true)
        #expect(progress.underWay == 0)
        #expect((progress.sent, progress.failed, progress.acknowledged) == (1, 1, 0))
    }

    @Test func nobodyWaitsForASubscriberThatIsGone() {
        var progress = ChannelProgress()
        progress.join()
        progress.join()
        for _ in 0..<3 {
            progress.send()
            progress.answer(failed: false)
        }
        for position in 0..<2 { progress.arrive(at: position) }
        #expect(progress.underWay == 3)
        progress.leave(at: 0)
        #expect(progress.underWay == 1)
        progress.leave(at: 2)
        #expect(progress.underWay == 0)
    }

    @Test(arguments: 0..<200 as Range<UInt64>)
    func itIsWhatTheNaiveOneSays(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        let subscribers = Int.random(in: 1...6, using: &random)
        var progress = ChannelProgress()
        var naive = NaiveProgress(counts: Array(repeating: 0, count: subscribers))
        for _ in 0..<subscribers { progress.join() }
        for _ in 0..<300 {
            let index = Int.random(in: 0..<subscribers, using: &random)
            switch Int.random(in: 0..<100, using: &random) {
            case 0..<20:
                progress.send()
                naive.sent += 1
            case 20..<40 where naive.acknowledged + naive.failed < naive.sent:
                let fails = Int.random(in: 0..<10, using: &random) == 0
                progress.answer(failed: fails)
                if fails { naive.failed += 1 } else { naive.acknowledged += 1 }
            case 40..<99:
                guard let count = naive.counts[index], count < naive.sent - naive.failed else { continue }
                progress.arrive(at: count)
                naive.counts[index] = count + 1
            default:
                guard let count = naive.counts[index] else { continue }
                progress.leave(at: count)
                naive.counts[index] = nil
            }
            #expect(progress.underWay == naive.underWay)
        }
    }
}
