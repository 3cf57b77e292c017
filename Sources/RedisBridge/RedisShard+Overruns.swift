internal import WSLoop

// Whether the subscriber link was cut because this node did not keep up.
extension RedisShard {
    /// Asks before each probe, whose return shows that the link was not cut until then.
    func askOverruns() {
        guard overrunWatch.isWorthAsking else { return }
        askOverruns { [weak self] answer in
            if let answer { self?.overrunWatch.answered(answer) }
        }
    }

    /// Tells why the subscriber link was lost, after a question on the other one, which shows whether Redis is still there.
    ///
    /// If Redis does not count whom it cuts, the place of the cut tells: it ends a link in the middle of a message only if
    /// it drops what it could not send.
    func explain(_ failure: RedisLinkFailure, then completion: @escaping () -> Void) {
        let isMidReply = failure.kind == .cutMidReply
        guard publisher.isReady, isMidReply || failure.kind == .closed && overrunWatch.isWorthAsking else {
            return completion()
        }
        askOverruns { [weak self] answer in
            defer { completion() }
            guard let self, let answer, overrunWatch.hasRisen(answer) ?? isMidReply else { return }
            overruns += 1
            health.overrun()
        }
    }

    private func askOverruns(answered: @escaping PublishQueue.Answered) {
        queue.sent(answered: answered)
        publisher.send(OverrunWatch.question)
    }
}
