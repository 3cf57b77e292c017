import Testing

@testable import PushServer

@Suite struct FlushPacerTests {
    @Test(
        arguments: [
            (Pacing.latency, 1_000_000, 0), (.balanced, 1_000_000, 150_000), (.throughput, 1_000_000, 1_000_000),
            (.balanced, 0, 0), (.balanced, 400_000_000, 4_000_000), (.throughput, 10_000_000, 4_000_000),
        ] as [(Pacing, UInt64, UInt64)])
    func restsForAShareOfTheFlush(pacing: Pacing, flush: UInt64, rest: UInt64) {
        var pacer = FlushPacer(pacing)
        #expect(!pacer.isResting(at: 0))
        let end = 5_000_000_000 + flush
        pacer.flushed(from: 5_000_000_000, to: end)
        #expect(pacer.restEndNanoseconds == end + rest)
        #expect(pacer.isResting(at: end) == (rest > 0))
        #expect(!pacer.isResting(at: end + rest))
    }
}
