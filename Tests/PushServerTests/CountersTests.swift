import TestSupport
import Testing

@testable import Channels
@testable import PushServer

@Suite struct HistogramTests {
    @Test func eachBoundIsInclusive() {
        for (index, bound) in Histogram.boundsSeconds.enumerated() {
            var histogram = Histogram()
            histogram.observe(seconds: bound)
            #expect(histogram.buckets[index] == 1)
            histogram.observe(seconds: bound.nextUp)
            #expect(histogram.buckets[index + 1] == 1)
        }
    }

    @Test func thereIsABucketForWhatIsLonger() {
        var histogram = Histogram()
        histogram.observe(seconds: 1_000)
        #expect(histogram.buckets[Histogram.boundsSeconds.count] == 1)
        #expect(histogram.buckets.count == Histogram.boundsSeconds.count + 1)
        #expect(Histogram.boundsSeconds == Histogram.boundsSeconds.sorted())
    }

    @Test func addingIsAsIfAllWereObservedInOne() {
        var random = SeededGenerator(seed: 1)
        var parts = [Histogram(), Histogram()]
        var whole = Histogram()
        for _ in 0..<1_000 {
            let seconds = Double.random(in: 0...4, using: &random)
            parts[Int.random(in: 0...1, using: &random)].observe(seconds: seconds)
            whole.observe(seconds: seconds)
        }
        parts[0].add(parts[1])
        for index in whole.buckets.indices { #expect(parts[0].buckets[index] == whole.buckets[index]) }
        #expect(abs(parts[0].sumSeconds - whole.sumSeconds) < 1e-6)
    }
}

@Suite struct WorkerCountersTests {
    @Test func theHubsCountsAreAdded() {
        var counts = DeliveryCounts()
        counts.deliveries = 1
        counts.sentBytes = 20
        counts.dropped[DropCause.disconnect.rawValue] = 300
        counts.droppedByClosing = 4_000
        var counters = WorkerCounters()
        counters.add(counts)
        counters.add(counts)
        #expect(counters.deliveries == 2 && counters.deliveredBytes == 40)
        #expect(counters.dropped[DropCause.disconnect.rawValue] == 600 && counters.droppedByClosing == 8_000)
    }

    @Test func everyFigureOfAnotherWorkerIsAdded() {
        let one = filled(1)
        var sum = filled(2)
        sum.add(one)
        #expect(plain(sum) == plain(filled(3)))
        #expect(sum.outboxBytesMax == 2, "the most of one worker, not of all")
    }

    /// Counters that all have the value `value`; the histograms have that many observations.
    private func filled(_ value: Int) -> WorkerCounters {
        var counters = WorkerCounters()
        counters.webSockets = value
        counters.streams = value
        counters.opened = value
        for index in counters.closed.indices { counters.closed[index] = value }
        for index in counters.messagesIn.indices { counters.messagesIn[index] = value }
        for index in counters.handshakes.indices { counters.handshakes[index] = value }
        counters.deliveries = value
        counters.deliveredBytes = value
        for index in counters.dropped.indices { counters.dropped[index] = value }
        counters.messagesOverRate = value
        counters.droppedByClosing = value
        counters.droppedOversized = value
        counters.outboxBytes = value
        counters.outboxBytesMax = value
        for _ in 0..<value {
            counters.publishToWrite.observe(seconds: 1)
            counters.loopLag.observe(seconds: 2)
        }
        return counters
    }

    private func plain(_ counters: WorkerCounters) -> [Int] {
        [
            counters.webSockets, counters.streams, counters.opened, counters.deliveries, counters.deliveredBytes,
            counters.droppedByClosing, counters.droppedOversized, counters.outboxBytes, counters.messagesOverRate,
            Int(counters.publishToWrite.sumSeconds), Int(counters.loopLag.sumSeconds),
        ] + counters.closed.indices.map { counters.closed[$0] } + counters.dropped.indices.map { counters.dropped[$0] }
            + counters.messagesIn.indices.map { counters.messagesIn[$0] }
            + counters.handshakes.indices.map { counters.handshakes[$0] }
    }

    @Test func thereIsAPlaceForEveryCase() {
        #expect(WorkerCounters().closed.count == CloseReason.allCases.count)
        #expect(WorkerCounters().messagesIn.count == MessageSource.allCases.count)
        #expect(WorkerCounters().handshakes.count == HandshakeResult.allCases.count)
        #expect(Set(CloseReason.allCases.map(\.label)).count == CloseReason.allCases.count)
        #expect(Set(HandshakeResult.allCases.map(\.label)).count == HandshakeResult.allCases.count)
    }
}
