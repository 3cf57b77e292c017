internal import WSLoop

// Whether the server is a master.
//
// A replica hands on what its master hands on, and keeps what is published to it for its own subscribers. So it may be
// listened to, and not published to.
extension RedisShard {
    /// Asks the server that is published to: one that somebody makes a replica keeps its connections.
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

    /// The publisher link goes to a master: the other one leaves the replica for it.
    func masterFound(at now: UInt64) {
        masterSeenMilliseconds = now
        if replicaSince != nil { subscriber.startOver(reason: "its messages came through a replica") }
        replicaSince = nil
    }
}
