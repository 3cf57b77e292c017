internal import Access
internal import Bytes
internal import Synchronization

/// Upper bounds for opening WebSockets; nil for none.
public struct AdmissionLimits: Equatable, Sendable {
    /// WebSockets opened per second.
    public var opensPerSecond: Limit?
    /// WebSockets opened per second from one address.
    public var opensPerSecondOfAddress: Limit?
    /// Open WebSockets from one address.
    public var connectionsOfAddress: Limit?
    /// Open WebSockets of one user.
    public var connectionsOfUser: Limit?

    /// No limits.
    public init() {}
}

/// Who may open a WebSocket now: rates in all and per address, open connections per address and per user.
///
/// Shared by all workers; asked once per handshake, and not at all without a limit.
final class AdmissionControl: Sendable {
    /// Why a WebSocket is not opened.
    enum Refusal: Error, Equatable, CaseIterable {
        case rate, addressRate, address, user

        var message: String {
            switch self {
            case .rate: "too many connections are being opened (--max-connect-rate)"
            case .addressRate: "this address opens too many connections (--max-connect-rate-per-address)"
            case .address: "this address has too many connections (--max-connections-per-address)"
            case .user: "this user has too many connections (--max-connections-per-user)"
            }
        }

        var limit: LimitName {
            switch self {
            case .rate: .connectRate
            case .addressRate: .addressConnectRate
            case .address: .addressConnections
            case .user: .userConnections
            }
        }
    }

    /// What an admitted connection gives back when it ends.
    final class Ticket: Sendable {
        let address: AddressGroup?
        let user: ByteName?

        init(address: AddressGroup?, user: ByteName?) {
            (self.address, self.user) = (address, user)
        }
    }

    /// What became of who asked to be let in.
    struct Verdict {
        let outcome: Result<Ticket, Refusal>
        /// The limits that were reached, with those that are not enforced.
        let reached: [Refusal]
    }

    private struct State {
        var second: UInt64 = 0
        var opens = 0
        var opensOfAddress: [AddressGroup: Int] = [:]
        var connectionsOfAddress: [AddressGroup: Int] = [:]
        var connectionsOfUser: [ByteName: Int] = [:]
    }

    private let limits: AdmissionLimits
    private let state = Mutex(State())

    init(_ limits: AdmissionLimits) {
        self.limits = limits
    }

    /// Whether there is anything to ask.
    var isActive: Bool { limits != AdmissionLimits() }

    /// Lets a connection in and counts it, unless a limit stands in the way.
    ///
    /// - Parameters:
    ///   - address: nil for a unix-domain socket, which has none to limit.
    ///   - user: nil if the client named none.
    ///   - second: the current second on any clock that does not go back.
    func admit(address: AddressGroup?, user: String?, second: UInt64) -> Verdict {
        let ticket = Ticket(address: address, user: user.map { ByteName($0) })
        return state.withLock { state in
            if state.second != second {
                state.second = second
                state.opens = 0
                state.opensOfAddress.removeAll(keepingCapacity: state.opensOfAddress.count < 1024)
            }
            var reached: [Refusal] = []
            for refusal in Refusal.allCases {
                guard let (count, limit) = standing(refusal, ticket, state), count >= limit.value else { continue }
                reached.append(refusal)
                if limit.isEnforced { return Verdict(outcome: .failure(refusal), reached: reached) }
            }
            count(ticket, &state)
            return Verdict(outcome: .success(ticket), reached: reached)
        }
    }

    /// Gives a connection's places back.
    func release(_ ticket: Ticket) {
        state.withLock { state in
            if let address = ticket.address { state.connectionsOfAddress.countDown(address) }
            if let user = ticket.user { state.connectionsOfUser.countDown(user) }
        }
    }

    /// How much of a limit is used; nil if there is none for this ticket.
    private func standing(_ refusal: Refusal, _ ticket: Ticket, _ state: State) -> (count: Int, limit: Limit)? {
        switch refusal {
        case .rate:
            return limits.opensPerSecond.map { (state.opens, $0) }
        case .addressRate:
            guard let address = ticket.address else { return nil }
            return limits.opensPerSecondOfAddress.map { (state.opensOfAddress[address] ?? 0, $0) }
        case .address:
            guard let address = ticket.address else { return nil }
            return limits.connectionsOfAddress.map { (state.connectionsOfAddress[address] ?? 0, $0) }
        case .user:
            guard let user = ticket.user else { return nil }
            return limits.connectionsOfUser.map { (state.connectionsOfUser[user] ?? 0, $0) }
        }
    }

    private func count(_ ticket: Ticket, _ state: inout State) {
        state.opens += 1
        if let address = ticket.address {
            if limits.opensPerSecondOfAddress != nil { state.opensOfAddress[address, default: 0] += 1 }
            state.connectionsOfAddress[address, default: 0] += 1
        }
        if let user = ticket.user { state.connectionsOfUser[user, default: 0] += 1 }
    }
}
