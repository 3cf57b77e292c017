import Testing
import WSLoop

@testable import PushServer

@Suite struct HTTPDateTests {
    @Test(arguments: [
        (784_111_777, "Sun, 06 Nov 1994 08:49:37 GMT"), (0, "Thu, 01 Jan 1970 00:00:00 GMT"),
        (951_782_400, "Tue, 29 Feb 2000 00:00:00 GMT"), (1_709_251_199, "Thu, 29 Feb 2024 23:59:59 GMT"),
        (2_147_483_648, "Tue, 19 Jan 2038 03:14:08 GMT"), (253_402_300_799, "Fri, 31 Dec 9999 23:59:59 GMT"),
    ])
    func knownDates(time: Int, text: String) {
        #expect(string(HTTPDate.format(time)) == text)
    }

    @Test func aFreshDateHasAText() {
        var date = HTTPDate()
        #expect(date.text.count == 29)
        date.refresh()
        #expect(string(date.text.suffix(4)) == " GMT")
    }
}

@Suite struct TickTests {
    @Test(
        arguments: [
            (Duration.zero, 1), (.nanoseconds(1), 1), (.milliseconds(1), 1), (.milliseconds(250), 1),
            (.milliseconds(251), 2),
            (.milliseconds(500), 2), (.seconds(1), 4), (.milliseconds(25_001), 101), (.seconds(86_400), 345_600),
            (.seconds(-1), 1), (.milliseconds(-1), 1),
        ] as [(Duration, UInt32)])
    func table(duration: Duration, ticks: UInt32) {
        #expect(DeadlineWheel.ticks(duration) == ticks)
    }

    @Test func wholeTicksAreNotShorterThanTheTime() {
        for microseconds in stride(from: 1, through: 1_100_000, by: 997) {
            let ticks = Int64(DeadlineWheel.ticks(.microseconds(microseconds)))
            let time = Duration.milliseconds(ticks * Int64(DeadlineWheel.tickMilliseconds))
            #expect(time >= .microseconds(microseconds))
            #expect(
                ticks == 1 || time - .milliseconds(Int64(DeadlineWheel.tickMilliseconds)) < .microseconds(microseconds))
        }
    }

    @Test(arguments: [Duration.seconds(Int64.max), .seconds(Int64.max / 1000), .seconds(1 << 40)])
    func timesBeyondAllSenseAreVeryLong(duration: Duration) {
        #expect(DeadlineWheel.ticks(duration) == UInt32.max / 2)
    }
}

@Suite struct DrainScheduleTests {
    private func keys(_ count: Int) -> [StreamKey] {
        (0..<UInt32(count)).map { StreamKey(slot: $0, generation: 1) }
    }

    @Test func theFirstGoesAtOnceAndAllByTheEnd() {
        for count in [1, 2, 3, 7, 100] {
            var schedule = DrainSchedule(keys(count), over: .seconds(20), from: 5_000)
            #expect(schedule.due(atNanoseconds: 5_000).count == 1)
            #expect(schedule.isOver == (count == 1))
            let rest = schedule.due(atNanoseconds: 5_000 + 20_000_000_000)
            #expect(rest.count == count - 1 && schedule.isOver)
            #expect(schedule.due(atNanoseconds: 5_000 + 90_000_000_000).isEmpty)
        }
    }

    @Test func theyAreSpreadEvenly() {
        let all = keys(100)
        var schedule = DrainSchedule(all, over: .seconds(10), from: 0)
        var taken: [StreamKey] = []
        for step in 0...100 {
            let due = schedule.due(atNanoseconds: UInt64(step) * 100_000_000)
            #expect(due.count <= 2, "step \(step)")
            taken += due
            #expect((step...step + 1).contains(taken.count) || taken.count == 100, "step \(step)")
        }
        #expect(taken == all, "each once, in order")
    }

    @Test func aLateStepCatchesUp() {
        var schedule = DrainSchedule(keys(10), over: .seconds(10), from: 0)
        #expect(schedule.due(atNanoseconds: 5_500_000_000).count == 6)
        #expect(schedule.due(atNanoseconds: 5_500_000_000).isEmpty)
        #expect(schedule.due(atNanoseconds: 1_000_000_000).isEmpty, "time that stands back takes nothing back")
    }

    @Test func withoutConnectionsItIsOver() {
        var schedule = DrainSchedule([], over: .seconds(10), from: 0)
        #expect(schedule.isOver)
        #expect(schedule.due(atNanoseconds: 3).isEmpty)
    }

    @Test func withoutAPeriodAllGoAtOnce() {
        var schedule = DrainSchedule(keys(50), over: .zero, from: 7)
        #expect(schedule.due(atNanoseconds: 7).count == 50)
        #expect(schedule.isOver)
    }
}
