import Testing

@testable import Channels

@Suite final class AttendanceTests {
    private var attendance = Attendance<String>()
    private let room = "room"

    private func gone(at now: UInt64) -> [String] { attendance.takeGone(at: now) }
    private func enters(_ occupant: String = "room") -> Bool { attendance.enter(occupant) }
    private func exits(_ occupant: String = "room", at now: UInt64, grace: UInt64 = 1000) {
        attendance.exit(occupant, at: now, grace: grace)
    }

    @Test func theFirstSubscriptionBringsAnOccupantAndTheLastTakesItAway() {
        #expect(enters())
        #expect(!enters())
        exits(at: 0)
        #expect(gone(at: 5000).isEmpty)
        exits(at: 5000)
        #expect(gone(at: 5999).isEmpty)
        #expect(gone(at: 6000) == [room])
        #expect(gone(at: 9000).isEmpty && attendance.count == 0)
        #expect(enters())
    }

    @Test func whoIsBackInTimeHasNotGone() {
        #expect(enters())
        for now in stride(from: UInt64(0), to: 5000, by: 900) {
            exits(at: now)
            #expect(gone(at: now + 899).isEmpty)
            #expect(!enters())
        }
        #expect(gone(at: 100_000).isEmpty)
    }

    @Test func comingBackAndGoingAgainStartsTheGraceTimeAnew() {
        _ = enters()
        exits(at: 0)
        _ = enters()
        exits(at: 500)
        #expect(gone(at: 1000).isEmpty)
        #expect(gone(at: 1500) == [room])
    }

    @Test func graceTimesMayDiffer() {
        for (occupant, grace) in [("a", 3000), ("b", 1000), ("c", 0), ("d", 1000)] as [(String, UInt64)] {
            _ = enters(occupant)
            exits(occupant, at: 0, grace: grace)
        }
        #expect(gone(at: 0) == ["c"])
        #expect(gone(at: 2000) == ["b", "d"])
        #expect(gone(at: 3000) == ["a"])
    }

    @Test func aShorterGraceTimeIsAlsoForWhoIsAbsentAlready() {
        for (occupant, now) in [("a", 0), ("b", 700)] as [(String, UInt64)] {
            _ = enters(occupant)
            exits(occupant, at: now)
        }
        attendance.shorten(to: 100, at: 750)
        #expect(gone(at: 849).isEmpty)
        #expect(gone(at: 850) == ["a", "b"])
        _ = enters()
        exits(at: 900)
        attendance.shorten(to: 5000, at: 950)
        #expect(gone(at: 1899).isEmpty)
        #expect(gone(at: 1900) == [room])
    }

    @Test func ofTooManyInTheirGraceTimeTheOldestGoEarly() {
        for number in 0...Attendance<String>.maxAbsent {
            #expect(enters("\(number)"))
            exits("\(number)", at: 0)
        }
        #expect(gone(at: 0) == ["0"])
        #expect(attendance.count == Attendance<String>.maxAbsent)
    }

    @Test func anEndWithoutABeginningIsIgnored() {
        exits(at: 0)
        #expect(gone(at: 5000).isEmpty)
    }
}
