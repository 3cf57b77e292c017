import Access
import Testing

@testable import PushServer

@Suite("The slots of users") struct UserSlotsTests {
    @Test("are those of a naive model") func model() {
        var random = SystemRandomNumberGenerator()
        var (users, model) = (UserSlots(), [UInt32: String]())
        for _ in 0..<20_000 {
            let slot = UInt32.random(in: 0..<200, using: &random)
            if model[slot] != nil {
                users.remove(slot)
                model[slot] = nil
            } else {
                // A few users have many slots, and many have one.
                let user = Bool.random(using: &random) ? "user \(slot % 3)" : "user \(slot)"
                users.insert(Identity(user: user), slot)
                model[slot] = user
            }
            let user = "user \(UInt32.random(in: 0..<4, using: &random))"
            #expect(Set(users.slots(of: user)) == Set(model.filter { $0.value == user }.keys))
            #expect(users.name(of: slot) == model[slot])
            #expect(users.count == model.count)
        }
    }

    @Test("are none for unknown users, slots and spellings") func strangers() {
        var users = UserSlots()
        #expect(users.slots(of: "a").isEmpty)
        users.remove(3)
        users.insert(Identity(user: "\u{E9}"), 2)
        #expect(users.slots(of: "e\u{301}").isEmpty)
        #expect(users.slots(of: "\u{E9}") == [2])
        #expect(users.name(of: 1) == nil && users.name(of: 9) == nil)
    }
}
