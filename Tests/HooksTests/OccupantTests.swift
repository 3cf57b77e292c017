import Testing

@testable import Hooks

@Suite struct OccupantTests {
    private let room = Occupant(channel: "room")
    private let user = Occupant(channel: "room", user: "ann")

    @Test func usersAndChannelsAreDifferentOccupants() {
        #expect(Set([room, user, Occupant(channel: "room", user: "bob")]).count == 3)
        #expect(Occupant(channel: "e\u{301}") != Occupant(channel: "\u{E9}"))
    }

    @Test func namesAreReadAsTheyAreWritten() {
        for occupant in [room, user, Occupant(channel: "a b", user: "ü")] {
            #expect(Occupant(named: occupant.name) == occupant)
        }
    }
}
