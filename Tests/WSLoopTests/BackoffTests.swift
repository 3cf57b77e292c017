import TestSupport
import Testing
import WSLoop

/// Always returns the largest number, so that a delay equals its ceiling.
private struct Largest: RandomNumberGenerator {
    func next() -> UInt64 { .max }
}

struct BackoffTests {
    @Test func ceilingDoublesUpToTheLast() {
        var backoff = Backoff(firstCeilingMilliseconds: 100, lastCeilingMilliseconds: 5000)
        var random = Largest()
        let delays = (0..<9).map { _ in backoff.nextMilliseconds(using: &random) }
        #expect(delays == [100, 200, 400, 800, 1600, 3200, 5000, 5000, 5000])
    }

    @Test func resetStartsFromTheFirstCeiling() {
        var backoff = Backoff(firstCeilingMilliseconds: 100, lastCeilingMilliseconds: 5000)
        var random = Largest()
        for _ in 0..<5 { _ = backoff.nextMilliseconds(using: &random) }
        backoff.reset()
        #expect(backoff.nextMilliseconds(using: &random) == 100)
    }

    @Test func delayIsNeverZero() {
        var random = SeededGenerator(seed: 5)
        var backoff = Backoff(firstCeilingMilliseconds: 3, lastCeilingMilliseconds: 3)
        let delays = (0..<300).map { _ in backoff.nextMilliseconds(using: &random) }
        #expect(Set(delays) == [1, 2, 3])
    }

    @Test func delaysSpreadOverTheWholeRange() {
        var random = SeededGenerator(seed: 7)
        var quarters = [0, 0, 0, 0]
        for _ in 0..<400 {
            var backoff = Backoff(firstCeilingMilliseconds: 100, lastCeilingMilliseconds: 100)
            quarters[Int(backoff.nextMilliseconds(using: &random) - 1) / 25] += 1
        }
        for count in quarters { #expect(count > 50) }
    }
}
