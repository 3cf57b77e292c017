internal import Bytes

/// The revocations that count now: which tokens are refused although they have not expired.
///
/// Finding out costs two lookups. Its size has a limit, since a revocation that is forgotten too early would let a
/// token in: one more is refused instead.
public struct Revocations: Sendable {
    private struct Period: Sendable {
        let issuedBefore: Int
        let end: Int

        func covers(_ other: Period) -> Bool { issuedBefore >= other.issuedBefore && end >= other.end }
    }

    /// The most revocations, at about 100 bytes each.
    public static let defaultLimit = 200_000

    private let limit: Int
    private var ends: [TokenMark: Int] = [:]
    /// By user; no period covers another one of the same user, so there is nearly always one.
    private var periods: [ByteName: [Period]] = [:]
    private var periodCount = 0

    /// Makes an empty set.
    public init(limit: Int = Revocations.defaultLimit) {
        self.limit = limit
    }

    /// The number of revocations, including those that have ended since `removeEnded`.
    public var count: Int { ends.count + periodCount }

    /// Adds a revocation.
    ///
    /// - Parameter now: the time in seconds of Unix time.
    /// - Returns: false if there are too many, and nothing was added.
    public mutating func add(_ revocation: Revocation, at now: Int) -> Bool {
        guard revocation.end > now else { return true }
        if count >= limit { removeEnded(at: now) }
        switch revocation.tokens {
        case .marked(let mark):
            guard count < limit || ends[mark] != nil else { return false }
            ends[mark] = max(ends[mark] ?? 0, revocation.end)
            return true
        case .ofUser(let user, let time):
            return add(Period(issuedBefore: time, end: revocation.end), of: ByteName(user))
        }
    }

    private mutating func add(_ period: Period, of user: ByteName) -> Bool {
        let known = periods[user] ?? []
        guard !known.contains(where: { $0.covers(period) }) else { return true }
        let kept = known.filter { !period.covers($0) }
        guard kept.count < known.count || count < limit else { return false }
        periods[user] = kept + [period]
        periodCount += kept.count + 1 - known.count
        return true
    }

    /// Whether a client's token is refused at a time in seconds of Unix time.
    public func refuse(_ identity: Identity, at now: Int) -> Bool {
        if !ends.isEmpty, let mark = identity.mark, let end = ends[mark], end > now { return true }
        guard !periods.isEmpty, identity.isNamed, let periods = periods[ByteName(identity.user)] else { return false }
        let issuedAt = identity.issuedAt ?? 0
        return periods.contains { $0.end > now && issuedAt < $0.issuedBefore }
    }

    /// Forgets the revocations whose tokens have expired.
    public mutating func removeEnded(at now: Int) {
        ends = ends.filter { $0.value > now }
        periods = periods.mapValues { $0.filter { $0.end > now } }.filter { !$0.value.isEmpty }
        periodCount = periods.reduce(0) { $0 + $1.value.count }
    }
}
