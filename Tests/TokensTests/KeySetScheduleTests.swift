import Testing

@testable import Tokens

@Suite("fetching a key set") struct KeySetScheduleTests {
    private func keys() throws -> TokenKeys { try TokenKeys([TokenKey(secret: TestKeys.secret)]) }

    @Test("is due at once, once") func first() {
        var schedule = KeySetSchedule()
        #expect(schedule.state == .missing)
        var begins = schedule.beginIfDue(at: 0)
        #expect(begins)
        begins = schedule.beginIfDue(at: 1)
        #expect(!begins)
        begins = schedule.beginForUnknownKey(at: 100)
        #expect(!begins)
    }

    @Test("from another provider is due at once, and the old keys count until then") func replacing() throws {
        var schedule = KeySetSchedule(replacing: try keys())
        #expect(schedule.state == .stale && schedule.keys?.keys.count == 1)
        let begins = schedule.beginIfDue(at: 0)
        #expect(begins)
    }

    @Test(
        "is due again before the keys' lifetime ends, which has limits",
        arguments: [
            ("max-age=600", 480), ("public, Max-Age=\"1000\" , no-transform", 800), ("max-age=0", 240),
            ("no-store", 2880), ("max-age=x", 2880), ("max-age=99999999", 69_120), (nil, 2880),
        ] as [(String?, Double)])
    func refresh(cacheControl: String?, seconds: Double) throws {
        var schedule = KeySetSchedule()
        var begins = schedule.beginIfDue(at: 0)
        #expect(begins)
        schedule.succeeded(try keys(), cacheControl: cacheControl, at: 0)
        #expect(schedule.state == .fresh)
        begins = schedule.beginIfDue(at: seconds - 1)
        #expect(!begins)
        begins = schedule.beginIfDue(at: seconds)
        #expect(begins)
    }

    @Test("after a failure is tried again, and the old keys stay") func failure() throws {
        var schedule = KeySetSchedule()
        var begins = schedule.beginIfDue(at: 0)
        #expect(begins)
        schedule.failed(at: 1)
        #expect(schedule.state == .missing && schedule.keys == nil)
        begins = schedule.beginIfDue(at: 10)
        #expect(!begins)
        begins = schedule.beginIfDue(at: 11)
        #expect(begins)
        schedule.succeeded(try keys(), cacheControl: nil, at: 12)
        begins = schedule.beginIfDue(at: 5000)
        #expect(begins)
        schedule.failed(at: 5000)
        #expect(schedule.state == .stale && schedule.keys != nil)
    }

    @Test("for unknown keys happens every ten seconds at most") func unknownKeys() throws {
        var schedule = KeySetSchedule()
        var begins = schedule.beginIfDue(at: 0)
        #expect(begins)
        schedule.succeeded(try keys(), cacheControl: nil, at: 0)
        begins = schedule.beginForUnknownKey(at: 9.9)
        #expect(!begins)
        begins = schedule.beginForUnknownKey(at: 10)
        #expect(begins)
        begins = schedule.beginForUnknownKey(at: 30)
        #expect(!begins)
        schedule.failed(at: 30)
        begins = schedule.beginForUnknownKey(at: 30)
        #expect(begins)
    }
}
