internal import WSLoop

// Finds out whether Redis cut the subscriber link because this node did not keep up.
extension RedisShard {
    /// Asks before each probe; the returning probe shows that the link was not cut before the question.
    func askOverruns() {
        guard overrunWatch.isWorthAsking else { return }
        ask(OverrunWatch.question) { [weak self] answer in
            if let answer { self?.overrunWatch.answered(answer) }
        }
    }

    /// Explains why the subscriber link was lost.
    ///
    /// A question on the other link shows whether Redis is still there. If Redis does not count the clients that it
    /// disconnects, the place of the cut decides: Redis ends a link in the middle of a message only if it drops unsent
    /// output.
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
