internal import Bytes

/// Limits for opening WebSockets; nil for none.
public struct AdmissionLimits: Equatable, Sendable {
    /// WebSockets and event streams opened per second.
    public var opensPerSecond: Limit?
    /// WebSockets and event streams opened per second from one address.
    public var opensPerSecondOfAddress: Limit?
    /// Open WebSockets and event streams from one address.
    public var connectionsOfAddress: Limit?
    /// Open WebSockets and event streams of one user.
    public var connectionsOfUser: Limit?

    /// No limits.
    public init() {}

    /// Whether there are none.
    public var isEmpty: Bool { self == AdmissionLimits() }
}

/// Decides which WebSockets may be opened: counts rates in total and per address, and open connections per address and
/// user.
public struct Admission: Sendable {
    /// A limit that stands in the way, in the order in which they are checked.
    public enum Refusal: CaseIterable, Sendable {
        /// All addresses together open too many per second.
        case rate
        /// One address opens too many per second.
        case addressRate
        /// One address has too many open.
        case address
        /// One user has too many open.
        case user

        /// The answer to the handshake.
        public var denial: Denial {
            switch self {
            case .rate: .connectRate
            case .addressRate: .connectRateOfAddress
            case .address: .connectionsOfAddress
            case .user: .connectionsOfUser
            }
        }
    }

    /// The counts of an admitted connection, which gives them back when it ends.
    public struct Ticket: Sendable {
        let address: AddressGroup?
        let user: ByteName?
    }

    /// The outcome of a handshake.
    public struct Verdict: Sendable {
        /// The limit that refuses it; nil if it is admitted.
        public let refusal: Refusal?
        /// The limits that were reached, including those that are not enforced.
        public let reached: [Refusal]
    }

    /// The limits, which may change; what was counted stays counted.
    public var limits: AdmissionLimits
    private var second: UInt64 = 0
    private var opens = 0
    private var opensOfAddress: [AddressGroup: Int] = [:]
    private var connectionsOfAddress: [AddressGroup: Int] = [:]
    private var connectionsOfUser: [ByteName: Int] = [:]

    /// Nothing is open yet.
    public init(_ limits: AdmissionLimits) {
        self.limits = limits
    }

    /// Admits and counts a connection, unless a limit is reached.
    ///
    /// - Parameter second: the current second on any clock that does not go back. An older one counts as the last one:
    ///   a loop may have read the clock just before another.
    public mutating func admit(_ ticket: Ticket, second: UInt64) -> Verdict {
        if second > self.second {
            self.second = second
            opens = 0
            opensOfAddress.removeAll(keepingCapacity: opensOfAddress.count < 1024)
        }
        var reached: [Refusal] = []
        for refusal in Refusal.allCases {
            guard let (count, limit) = usage(of: refusal, ticket), count >= limit.value else { continue }
            reached.append(refusal)
            if limit.isEnforced { return Verdict(refusal: refusal, reached: reached) }
        }
        count(ticket)
        return Verdict(refusal: nil, reached: reached)
    }

    /// Counts a connection that was opened before, when there was no limit that it counted for.
    public mutating func add(_ ticket: Ticket) {
        countConnection(ticket)
    }

    /// Gives a connection's counts back.
    public mutating func release(_ ticket: Ticket) {
        if let address = ticket.address { connectionsOfAddress.countDown(address) }
        if let user = ticket.user { connectionsOfUser.countDown(user) }
    }

    /// The current count and the limit; nil if there is no limit for this ticket.
    private func usage(of refusal: Refusal, _ ticket: Ticket) -> (count: Int, limit: Limit)? {
        switch refusal {
        case .rate:
            return limits.opensPerSecond.map { (opens, $0) }
        case .addressRate:
            guard let address = ticket.address else { return nil }
            return limits.opensPerSecondOfAddress.map { (opensOfAddress[address] ?? 0, $0) }
        case .address:
            guard let address = ticket.address else { return nil }
            return limits.connectionsOfAddress.map { (connectionsOfAddress[address] ?? 0, $0) }
        case .user:
            guard let user = ticket.user else { return nil }
            return limits.connectionsOfUser.map { (connectionsOfUser[user] ?? 0, $0) }
        }
    }

    private mutating func count(_ ticket: Ticket) {
        opens += 1
        if let address = ticket.address, limits.opensPerSecondOfAddress != nil {
            opensOfAddress[address, default: 0] += 1
        }
        countConnection(ticket)
    }

    private mutating func countConnection(_ ticket: Ticket) {
        if let address = ticket.address { connectionsOfAddress[address, default: 0] += 1 }
        if let user = ticket.user { connectionsOfUser[user, default: 0] += 1 }
    }
}

extension Admission.Ticket {
    /// Lists the counts that a connection affects.
    ///
    /// - Parameters:
    /// - address: nil for a unix-domain socket, which has no address to limit.
    /// - user: nil if the client named none.
    public init(address: AddressGroup?, user: String?) {
        self.init(address: address, user: user.map { ByteName($0) })
    }
}
