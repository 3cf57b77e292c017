internal import WSLoop

// Whether the subscriber link was cut because this node did not keep up.
extension RedisShard {
    /// Asks before each probe, whose return shows that the link was not cut until then.
    func askOverruns() {
        guard overrunWatch.isWorthAsking else { return }
        ask(OverrunWatch.question) { [weak self] answer in
            if let answer { self?.overrunWatch.answered(answer) }
        }
    }

    /// Tells why the subscriber link was lost.
    ///
    /// A question on the other link shows whether Redis is still there. If Redis does not count the clients that it
    /// cuts, the place of the cut decides: Redis ends a link in the middle of a message only if it drops what it could
    /// not send.
    func explain(_ failure: RedisLinkFailure, then completion: @escaping () -> Void) {
        let isMidReply = failure.kind == .cutMidReply
        guard publisher.isReady, isMidReply || failure.kind == .closed && overrunWatch.isWorthAsking else {
            return completion()
        }
        ask(OverrunWatch.question) { [weak self] answer in
            defer { completion() }
            guard let self, let answer, overrunWatch.hasRisen(answer) ?? isMidReply else { return }
            overruns += 1
            health.overrun()
        }
    }
}
