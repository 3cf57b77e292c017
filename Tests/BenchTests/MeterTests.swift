import Testing

@testable import Bench

private let second: UInt64 = 1_000_000_000

@Suite struct MeterTests {
    @Test func itIsQuietWhileSomethingIsWaitedForAndNothingComes() {
        var meter = Meter(atNanoseconds: 0)
        meter.note(opened: 0, deliveries: 0, failed: 0, isWaiting: true, atNanoseconds: 2 * second)
        #expect(meter.quietNanoseconds(atNanoseconds: 3 * second) == 3 * second)
        meter.note(opened: 1, deliveries: 0, failed: 0, isWaiting: true, atNanoseconds: 4 * second)
        #expect(meter.quietNanoseconds(atNanoseconds: 5 * second) == second)
        meter.note(opened: 1, deliveries: 1, failed: 0, isWaiting: true, atNanoseconds: 6 * second)
        #expect(meter.quietNanoseconds(atNanoseconds: 6 * second) == 0)
    }

    @Test func aPauseBetweenMessagesIsNotQuiet() {
        var meter = Meter(atNanoseconds: 0)
        meter.note(opened: 1, deliveries: 1, failed: 0, isWaiting: false, atNanoseconds: 50 * second)
        #expect(meter.quietNanoseconds(atNanoseconds: 50 * second) == 0)
    }

    @Test func refusalsAreNoArrivals() {
        var meter = Meter(atNanoseconds: 0)
        for time in 1...9 as ClosedRange<UInt64> {
            meter.note(opened: 0, deliveries: 0, failed: Int(time), isWaiting: false, atNanoseconds: time * second)
        }
        #expect(meter.quietNanoseconds(atNanoseconds: 9 * second) == 9 * second)
        meter.note(opened: 0, deliveries: 1, failed: 9, isWaiting: false, atNanoseconds: 10 * second)
        meter.note(opened: 0, deliveries: 1, failed: 9, isWaiting: false, atNanoseconds: 20 * second)
        #expect(meter.quietNanoseconds(atNanoseconds: 20 * second) == 0, "the refusals are past")
    }

    @Test func connectingLastsToTheLastConnection() {
        var meter = Meter(atNanoseconds: 0)
        #expect(meter.connectNanoseconds == 0)
        meter.connecting(atNanoseconds: second)
        meter.note(opened: 1, deliveries: 0, failed: 0, isWaiting: true, atNanoseconds: 2 * second)
        meter.note(opened: 2, deliveries: 0, failed: 0, isWaiting: true, atNanoseconds: 4 * second)
        meter.note(opened: 2, deliveries: 5, failed: 0, isWaiting: true, atNanoseconds: 9 * second)
        #expect(meter.connectNanoseconds == 3 * second)
    }

    @Test func theLineTellsWhatIsNew() {
        var meter = Meter(atNanoseconds: 0)
        func line(_ flow: Progress.Flow?, at now: UInt64) -> String {
            let seconds = meter.seconds(atNanoseconds: now)
            return Progress(seconds: seconds, wantedConnections: 2000, openedConnections: 1500, flow: flow).line
        }
        #expect(line(nil, at: second - 1) == "1 s: 1,500 of 2,000 connections opened")
        _ = meter.flow(messages: 100, deliveries: 1000, underWay: 1, atNanoseconds: second)
        let flow = meter.flow(messages: 4100, deliveries: 41_000, underWay: 16, atNanoseconds: 3 * second)
        #expect(line(flow, at: 3 * second) == "3 s: 4,100 messages, now 2,000/s, 20,000/s deliveries, 16 under way")
    }
}
