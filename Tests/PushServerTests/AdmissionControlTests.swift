import Testing

@testable import PushServer

private typealias Refusal = AdmissionControl.Refusal

private func limits(_ change: (inout AdmissionLimits) -> Void) -> AdmissionLimits {
    var limits = AdmissionLimits()
    change(&limits)
    return limits
}

extension AdmissionControl {
    /// The refusal of a connection, or nil and it is in.
    fileprivate func tries(_ address: String?, _ user: String? = nil, second: UInt64 = 1) -> Refusal? {
        do throws(Refusal) { _ = try admit(address: address, user: user, second: second) } catch { return error }
        return nil
    }
}

@Suite struct AdmissionControlTests {
    @Test func withoutLimitsThereIsNothingToAsk() {
        #expect(!AdmissionControl(AdmissionLimits()).isActive)
        #expect(AdmissionControl(limits { $0.connectionsOfUser = 1 }).isActive)
    }

    @Test func theRateIsOfASecond() {
        let control = AdmissionControl(limits { $0.opensPerSecond = 2 })
        #expect(control.tries("a") == nil)
        #expect(control.tries("b") == nil)
        #expect(control.tries("c") == .rate)
        #expect(control.tries("c", second: 2) == nil)
    }

    @Test func eachAddressHasItsRate() {
        let control = AdmissionControl(
            limits {
                $0.opensPerSecond = 3; $0.opensPerSecondOfAddress = 1
            })
        #expect(control.tries("a") == nil)
        #expect(control.tries("a") == .addressRate)
        #expect(control.tries("b") == nil)
        #expect(control.tries(nil) == nil, "a unix-domain socket has no address")
        #expect(control.tries("c") == .rate)
        #expect(control.tries("a", second: 2) == nil)
    }

    @Test func whoEndsGivesItsPlaceBack() throws {
        let control = AdmissionControl(
            limits {
                $0.connectionsOfAddress = 2; $0.connectionsOfUser = 1
            })
        let first = try control.admit(address: "a", user: "u", second: 1)
        #expect(control.tries("b", "u") == .user)
        let second = try control.admit(address: "a", user: "v", second: 1)
        #expect(control.tries("a", "w") == .address)
        #expect(control.tries("b") == nil, "whoever names no user is nobody's second connection")
        control.release(first)
        #expect(control.tries("a", "u") == nil)
        control.release(second)
        #expect(control.tries("a", "v") == nil)
        #expect(control.tries("a", "w") == .address)
    }

    /// What was refused took no place.
    @Test func aRefusalCountsNothing() throws {
        let control = AdmissionControl(
            limits {
                $0.opensPerSecond = 3; $0.connectionsOfUser = 1
            })
        let only = try control.admit(address: "a", user: "u", second: 1)
        for _ in 0..<5 { #expect(control.tries("a", "u") == .user) }
        #expect(control.tries("a") == nil)
        control.release(only)
        #expect(control.tries("a", "u") == nil)
        #expect(control.tries("a") == .rate)
    }

    @Test func everyRefusalNamesItsOption() {
        let messages = Set(Refusal.allCases.map(\.message))
        #expect(messages.count == Refusal.allCases.count)
        #expect(messages.allSatisfy { $0.contains("(--max-connect") })
    }
}
