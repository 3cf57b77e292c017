internal import Access
internal import Synchronization
internal import WSLoop

/// The revocations that all loops know; safe on any thread.
final class RevokedTokens: Sendable {
    private let revocations = Mutex(Revocations())

    /// The number of revocations.
    var count: Int { revocations.withLock { $0.count } }

    /// Adds a revocation; false if there are too many.
    func add(_ revocation: Revocation) -> Bool {
        revocations.withLock { $0.add(revocation, at: RevokedTokens.now) }
    }

    /// Whether a client's token is refused.
    func refuse(_ identity: Identity) -> Bool {
        revocations.withLock { $0.refuse(identity, at: RevokedTokens.now) }
    }

    /// Forgets the revocations whose tokens have expired.
    func removeEnded() {
        revocations.withLock { $0.removeEnded(at: RevokedTokens.now) }
    }

    private static var now: Int { Int(Loop.unixTimeSeconds) }
}
