internal import Bytes
internal import Synchronization

/// Upper bounds for opening WebSockets; nil for none.
public struct AdmissionLimits: Equatable, Sendable {
    /// WebSockets opened per second.
    public var opensPerSecond: Int?
    /// WebSockets opened per second from one address.
    public var opensPerSecondOfAddress: Int?
    /// Open WebSockets from one address.
    public var connectionsOfAddress: Int?
    /// Open WebSockets of one user.
    public var connectionsOfUser: Int?

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
    }

    /// What an admitted connection gives back when it ends.
    final class Ticket: Sendable {
        let address: ByteName?
        let user: ByteName?

        init(address: ByteName?, user: ByteName?) {
            (self.address, self.user) = (address, user)
        }
    }

    private struct State {
        var second: UInt64 = 0
        var opens = 0
        var opensOfAddress: [ByteName: Int] = [:]
        var connectionsOfAddress: [ByteName: Int] = [:]
        var connectionsOfUser: [ByteName: Int] = [:]
    }

    private let limits: AdmissionLimits
    private let state = Mutex(State())

    init(_ limits: AdmissionLimits) {
        self.limits = limits
    }

    /// Whether there is anything to ask.
    var isActive: Bool { limits != AdmissionLimits() }

    /// Lets a connection in and counts it.
    ///
    /// - Parameters:
    ///   - address: nil for a unix-domain socket, which has none to limit.
    ///   - user: nil if the client named none.
    ///   - second: the current second on any clock that does not go back.
    func admit(address: String?, user: String?, second: UInt64) throws(Refusal) -> Ticket {
        let ticket = Ticket(address: address.map { ByteName($0) }, user: user.map { ByteName($0) })
        let refusal = state.withLock { state -> Refusal? in
            if state.second != second {
                state.second = second
                state.opens = 0
                state.opensOfAddress.removeAll(keepingCapacity: state.opensOfAddress.count < 1024)
            }
            if let refusal = reason(toRefuse: ticket, state) { return refusal }
            count(ticket, &state)
            return nil
        }
        if let refusal { throw refusal }
        return ticket
    }

    /// Gives a connection's places back.
    func release(_ ticket: Ticket) {
        state.withLock { state in
            if let address = ticket.address { AdmissionControl.remove(address, from: &state.connectionsOfAddress) }
            if let user = ticket.user { AdmissionControl.remove(user, from: &state.connectionsOfUser) }
        }
    }

    private func reason(toRefuse ticket: Ticket, _ state: State) -> Refusal? {
        if let limit = limits.opensPerSecond, state.opens >= limit { return .rate }
        if let address = ticket.address {
            if let limit = limits.opensPerSecondOfAddress, state.opensOfAddress[address] ?? 0 >= limit {
                return .addressRate
            }
            if let limit = limits.connectionsOfAddress, state.connectionsOfAddress[address] ?? 0 >= limit {
                return .address
            }
        }
        if let user = ticket.user, let limit = limits.connectionsOfUser,
            state.connectionsOfUser[user] ?? 0 >= limit
        {
            return .user
        }
        return nil
    }

    private func count(_ ticket: Ticket, _ state: inout State) {
        state.opens += 1
        if let address = ticket.address {
            if limits.opensPerSecondOfAddress != nil { state.opensOfAddress[address, default: 0] += 1 }
            state.connectionsOfAddress[address, default: 0] += 1
        }
        if let user = ticket.user { state.connectionsOfUser[user, default: 0] += 1 }
    }

    private static func remove(_ name: ByteName, from counts: inout [ByteName: Int]) {
        guard let count = counts[name] else { return }
        counts[name] = count > 1 ? count - 1 : nil
    }
}
