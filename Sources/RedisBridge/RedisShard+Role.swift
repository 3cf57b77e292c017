internal import WSLoop

// Checks whether the server is a master.
//
// A replica forwards what its master forwards, but messages published to it reach only its own subscribers. So we may
// subscribe at a replica, but not publish.
extension RedisShard {
    /// Asks the server that we publish to, because a server that is made a replica keeps its connections.
    func askRole() {
        guard publisher.needsMaster else { return }
        ask(LoginStep.role.command) { [weak self] reply in
            guard let self, let reply else { return }
            guard let failure = LoginStep.role.failure(reply) else {
                masterSeenMilliseconds = loop.nowMilliseconds
                return
            }
            replicaSince = masterSeenMilliseconds
            publisher.remake(failure)
        }
    }

    /// The publisher link reached a master: the subscriber link leaves the replica for it.
    func masterFound(at now: UInt64) {
        masterSeenMilliseconds = now
        if replicaSince != nil { subscriber.startOver(reason: "its messages came through a replica") }
        replicaSince = nil
    }
}
