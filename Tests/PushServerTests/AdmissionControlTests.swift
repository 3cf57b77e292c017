import Access
import Testing

@testable import PushServer

private typealias Refusal = AdmissionControl.Refusal

private func limits(_ change: (inout AdmissionLimits) -> Void) -> AdmissionLimits {
    var limits = AdmissionLimits()
    change(&limits)
    return limits
}

/// An address for each name of one letter.
private func address(_ name: String?) -> AddressGroup? {
    name?.utf8.first.map { .ipv4(UInt32($0)) }
}

extension AdmissionControl {
    /// The refusal of a connection, or nil and it is in.
    fileprivate func tries(_ name: String?, _ user: String? = nil, second: UInt64 = 1) -> Refusal? {
        if case .failure(let refusal) = admit(address: address(name), user: user, second: second).outcome {
            refusal
        } else {
            nil
        }
    }

    fileprivate func lets(_ name: String, _ user: String) throws -> Ticket {
        try admit(address: address(name), user: user, second: 1).outcome.get()
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
        let first = try control.lets("a", "u")
        #expect(control.tries("b", "u") == .user)
        let second = try control.lets("a", "v")
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
        let only = try control.lets("a", "u")
        for _ in 0..<5 { #expect(control.tries("a", "u") == .user) }
        #expect(control.tries("a") == nil)
        control.release(only)
        #expect(control.tries("a", "u") == nil)
        #expect(control.tries("a") == .rate)
    }

    @Test func `a limit that is not enforced is counted, and others still hold`() {
        let control = AdmissionControl(
            limits {
                $0.opensPerSecond = Limit(1, isEnforced: false)
                $0.connectionsOfAddress = Limit(2, isEnforced: false)
                $0.connectionsOfUser = 3
            })
        let reached = (0..<4).map { _ in control.admit(address: address("a"), user: "u", second: 1).reached }
        #expect(reached == [[], [.rate], [.rate, .address], [.rate, .address, .user]])
        #expect(control.tries("a", "v") == nil)
        #expect(control.tries("a", "u") == .user)
    }

    @Test func everyRefusalNamesItsOption() {
        let messages = Set(Refusal.allCases.map(\.message))
        #expect(messages.count == Refusal.allCases.count)
        #expect(messages.allSatisfy { $0.contains("(--max-connect") })
    }
}
