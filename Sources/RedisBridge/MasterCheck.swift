internal import WSLoop

/// Checks whether the server that a shard publishes to is a master.
///
/// A replica forwards what its master forwards, but messages published to it reach only its own subscribers. So we may
/// subscribe at a replica, but not publish.
final class MasterCheck {
    private let publisher: RedisPublisher
    private let loop: Loop
    /// When the server was last known to be a master.
    private var seenMilliseconds: UInt64
    /// Since when the server may have been a replica; nil if it is not known to be one.
    ///
    /// While a master is searched for, messages still arrive through the replica.
    private(set) var replicaSince: UInt64?

    init(_ publisher: RedisPublisher, on loop: Loop) {
        self.publisher = publisher
        self.loop = loop
        seenMilliseconds = loop.nowMilliseconds
    }

    /// Asks the server, because one that is made a replica keeps its connections.
    func ask() {
        guard publisher.link.needsMaster else { return }
        publisher.ask(LoginStep.role.command) { [weak self] reply in
            guard let self, let reply else { return }
            guard let failure = LoginStep.role.failure(reply) else {
                seenMilliseconds = loop.nowMilliseconds
                return
            }
            replicaSince = seenMilliseconds
            publisher.link.remake(failure)
        }
    }

    /// The link that publishes has found a replica.
    func foundReplica() {
        if replicaSince == nil { replicaSince = loop.nowMilliseconds }
    }

    /// The link that publishes has found a master.
    func foundMaster() {
        seenMilliseconds = loop.nowMilliseconds
        replicaSince = nil
    }

    /// The link that subscribes has found a master.
    func leftReplica() {
        replicaSince = nil
    }
}

@available(*, unavailable)
extension MasterCheck: Sendable {}
