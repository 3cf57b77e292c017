import Testing

@testable import Access

private typealias Refusal = Admission.Refusal

private func limits(_ change: (inout AdmissionLimits) -> Void) -> AdmissionLimits {
    var limits = AdmissionLimits()
    change(&limits)
    return limits
}

/// An address for each one-letter name.
private func address(_ name: String?) -> AddressGroup? {
    name?.utf8.first.map { .ipv4(UInt32($0)) }
}

extension Admission {
    /// The refusal of a connection; nil if it is admitted.
    fileprivate mutating func tries(_ name: String?, _ user: String? = nil, second: UInt64 = 1) -> Refusal? {
        admit(Ticket(address: address(name), user: user), second: second).refusal
    }

    fileprivate mutating func lets(_ name: String, _ user: String) throws -> Ticket {
        let ticket = Ticket(address: address(name), user: user)
        try #require(admit(ticket, second: 1).refusal == nil)
        return ticket
    }
}

@Suite struct AdmissionTests {
    @Test func withoutLimitsThereIsNothingToAsk() {
        #expect(AdmissionLimits().isEmpty)
        #expect(!limits { $0.connectionsOfUser = 1 }.isEmpty)
    }

    @Test func newLimitsCountThoseWhoWereThere() throws {
        var admission = Admission(limits { $0.opensPerSecond = 9 })
        let first = try admission.lets("a", "u")
        admission.limits = limits { $0.connectionsOfUser = 2 }
        #expect(admission.tries("b", "u") == nil && admission.tries("b", "u") == .user)
        admission.release(first)
        #expect(admission.tries("b", "u") == nil)
        admission.add(Admission.Ticket(address: nil, user: "v"))
        #expect(admission.tries("b", "v") == nil && admission.tries("b", "v") == .user)
    }

    @Test func theRateIsOfASecond() {
        var admission = Admission(limits { $0.opensPerSecond = 2 })
        #expect(admission.tries("a") == nil)
        #expect(admission.tries("b") == nil)
        #expect(admission.tries("c") == .rate)
        #expect(admission.tries("c", second: 2) == nil)
    }

    /// Two loops at the boundary of a second: one has read the clock before it, and asks after the other.
    @Test func anOlderSecondStartsNoNewCount() {
        var admission = Admission(limits { $0.opensPerSecond = 2 })
        #expect(admission.tries("a", second: 2) == nil)
        #expect(admission.tries("b", second: 1) == nil)
        #expect(admission.tries("c", second: 2) == .rate)
    }

    @Test func eachAddressHasItsRate() {
        var admission = Admission(
            limits {
                $0.opensPerSecond = 3; $0.opensPerSecondOfAddress = 1
            })
        #expect(admission.tries("a") == nil)
        #expect(admission.tries("a") == .addressRate)
        #expect(admission.tries("b") == nil)
        #expect(admission.tries(nil) == nil, "a unix-domain socket has no address")
        #expect(admission.tries("c") == .rate)
        #expect(admission.tries("a", second: 2) == nil)
    }

    @Test func whoEndsGivesItsPlaceBack() throws {
        var admission = Admission(
            limits {
                $0.connectionsOfAddress = 2; $0.connectionsOfUser = 1
            })
        let first = try admission.lets("a", "u")
        #expect(admission.tries("b", "u") == .user)
        let second = try admission.lets("a", "v")
        #expect(admission.tries("a", "w") == .address)
        #expect(admission.tries("b") == nil, "a client without a user has no limit per user")
        admission.release(first)
        #expect(admission.tries("a", "u") == nil)
        admission.release(second)
        #expect(admission.tries("a", "v") == nil)
        #expect(admission.tries("a", "w") == .address)
    }

    /// A refused connection takes no place.
    @Test func aRefusalCountsNothing() throws {
        var admission = Admission(
            limits {
                $0.opensPerSecond = 3; $0.connectionsOfUser = 1
            })
        let only = try admission.lets("a", "u")
        for _ in 0..<5 { #expect(admission.tries("a", "u") == .user) }
        #expect(admission.tries("a") == nil)
        admission.release(only)
        #expect(admission.tries("a", "u") == nil)
        #expect(admission.tries("a") == .rate)
    }

    @Test func `a limit that is not enforced is counted, and others still hold`() {
        var admission = Admission(
            limits {
                $0.opensPerSecond = Limit(1, isEnforced: false)
                $0.connectionsOfAddress = Limit(2, isEnforced: false)
                $0.connectionsOfUser = 3
            })
        let reached = (0..<4).map { _ in
            admission.admit(Admission.Ticket(address: address("a"), user: "u"), second: 1).reached
        }
        #expect(reached == [[], [.rate], [.rate, .address], [.rate, .address, .user]])
        #expect(admission.tries("a", "v") == nil)
        #expect(admission.tries("a", "u") == .user)
    }

    @Test func everyRefusalNamesItsOption() {
        let messages = Set(Refusal.allCases.map(\.denial.message))
        #expect(messages.count == Refusal.allCases.count)
        #expect(messages.allSatisfy { $0.contains("(--max-connect") })
    }
}
