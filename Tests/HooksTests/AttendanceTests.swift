import Testing

@testable import Hooks

@Suite final class AttendanceTests {
    private var attendance = Attendance(grace: 1000)
    private let room = Occupant(channel: "room")

    private func gone(at now: UInt64) -> [Occupant] { attendance.takeGone(at: now) }
    private func enters(_ occupant: Occupant? = nil) -> Bool { attendance.enter(occupant ?? room) }

    @Test func theFirstSubscriptionBringsAnOccupantAndTheLastTakesItAway() {
        #expect(enters())
        #expect(!enters())
        attendance.exit(room, at: 0)
        #expect(gone(at: 5000).isEmpty)
        attendance.exit(room, at: 5000)
        #expect(gone(at: 5999).isEmpty)
        #expect(gone(at: 6000) == [room])
        #expect(gone(at: 9000).isEmpty && attendance.count == 0)
        #expect(enters())
    }

    @Test func whoIsBackInTimeHasNotGone() {
        #expect(enters())
        for now in stride(from: UInt64(0), to: 5000, by: 900) {
            attendance.exit(room, at: now)
            #expect(gone(at: now + 899).isEmpty)
            #expect(!enters())
        }
        #expect(gone(at: 100_000).isEmpty)
    }

    @Test func anotherGraceTimeAlsoCountsForWhoIsAbsent() {
        for channel in ["a", "b"] {
            _ = enters(Occupant(channel: channel))
            attendance.exit(Occupant(channel: channel), at: channel == "a" ? 0 : 700)
        }
        attendance.setGrace(100, at: 750)
        #expect(gone(at: 849).isEmpty)
        #expect(gone(at: 850) == [Occupant(channel: "a"), Occupant(channel: "b")])
        _ = enters()
        attendance.exit(room, at: 900)
        attendance.setGrace(5000, at: 950)
        #expect(gone(at: 1000) == [room])
    }

    @Test func comingBackAndGoingAgainStartsTheGraceTimeAnew() {
        _ = enters()
        attendance.exit(room, at: 0)
        _ = enters()
        attendance.exit(room, at: 500)
        #expect(gone(at: 1000).isEmpty)
        #expect(gone(at: 1500) == [room])
    }

    @Test func usersAndChannelsAreDifferentOccupants() {
        let user = Occupant(channel: "room", user: "ann")
        #expect(enters() && enters(user) && enters(Occupant(channel: "room", user: "bob")))
        #expect(enters(Occupant(channel: "e\u{301}")) && enters(Occupant(channel: "\u{E9}")))
        attendance.exit(user, at: 0)
        #expect(gone(at: 1000) == [user])
        #expect(!enters())
    }

    @Test func ofTooManyInTheirGraceTimeTheOldestGoEarly() {
        for number in 0...Attendance.maxAbsent {
            #expect(enters(Occupant(channel: "\(number)")))
            attendance.exit(Occupant(channel: "\(number)"), at: 0)
        }
        #expect(gone(at: 0) == [Occupant(channel: "0")])
        #expect(attendance.count == Attendance.maxAbsent)
    }

    @Test func anEndWithoutABeginningIsIgnored() {
        attendance.exit(room, at: 0)
        #expect(gone(at: 5000).isEmpty)
    }

    @Test func namesAreReadAsTheyAreWritten() {
        for occupant in [room, Occupant(channel: "room", user: "ann"), Occupant(channel: "a b", user: "ü")] {
            #expect(Occupant(named: occupant.name) == occupant)
        }
    }
}
