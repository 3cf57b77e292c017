internal import Bytes
internal import WSLoop

// Checks whether the links work.
extension RedisShard {
    func restartProbeTimer() {
        handles.probeTimer.start(
            afterMilliseconds: timing.probeMilliseconds, everyMilliseconds: timing.probeMilliseconds)
    }

    func probeTimePassed() {
        ledger.retryRefused()
        remakeSilentLinks()
        guard subscriber.isReady, publisher.isReady else { return pingLinks() }
        if isProbeSubscribed, probe.outSinceMilliseconds == nil {
            sendProbe()
        } else {
            probeMissing()
        }
    }

    func sendProbe() {
        askOverruns()
        let payload = probe.send(atNanoseconds: Loop.monotonicNanoseconds)
        send(payload, to: Array(probe.channel.utf8)) { [weak self] result in
            guard let self, case .failure(.refused(let text)) = result else { return }
            probeRefused(text)
            if let redirection = ClusterRedirection(error: text) {
                notify { $0.shard(self, redirected: redirection) }
            }
        }
        // Distinguishes a dead subscriber link from one that has lost its subscription.
        pingSubscriber()
        askRole()
    }

    func probeReturned(_ payload: RawSpan) {
        guard let milliseconds = probe.received(payload, atNanoseconds: Loop.monotonicNanoseconds) else { return }
        subscriber.proven()
        publisher.proven()
        overrunWatch.linkProven()
        health.probed(roundTripMilliseconds: milliseconds, at: loop.nowMilliseconds)
        notify { $0.shardChanged(self) }
    }

    /// The shard's slots changed: the probe's channel must be in one of them.
    func renewProbe() {
        var random = SystemRandomNumberGenerator()
        probe = RoundTripProbe(in: ledger.names.slots, using: &random)
        isProbeSubscribed = false
        if subscriber.isReady { sendSubscription(SubscriptionCommand(.subscribe, [probe.channel])) }
    }

    /// Reports the reason at once; the links are re-established when the next probe is due.
    func probeRefused(_ text: String) {
        probe.refusal = text
        guard ClusterRedirection(error: text) == nil else { return }
        let reason = RedisShard.refusedProbe(text)
        health.refused(subscriber.address.map { reason.at($0) } ?? reason, at: loop.nowMilliseconds)
        notify { $0.shardChanged(self) }
    }

    /// The probe did not come back.
    ///
    /// A link on which Redis still answers is useless then and is re-established. A link on which Redis does not answer
    /// may be frozen, or have much output before the answer; it is kept until the limit of silence.
    private func probeMissing() {
        let refusal = probe.refusal.map { RedisShard.refusedProbe($0) }
        let failure =
            refusal ?? RedisLinkFailure("a probe message did not come back within \(timing.probeMilliseconds) ms")
        let since = probe.outSinceMilliseconds ?? 0
        let answers = pingAnsweredMilliseconds >= since && (publisher.heardMilliseconds ?? 0) >= since
        if refusal != nil || answers {
            subscriber.remake(failure)
            publisher.remake(failure)
        } else {
            health.silent(failure, at: loop.nowMilliseconds)
            notify { $0.shardChanged(self) }
            pingLinks()
        }
    }

    private static func refusedProbe(_ text: String) -> RedisLinkFailure {
        RedisLinkFailure("the probe was refused: \(text)", .told)
    }

    /// Pings both links: a link without input for long counts as silent, even while the other one is down.
    private func pingLinks() {
        if subscriber.isReady { pingSubscriber() }
        if publisher.isReady { ask(RedisCommand("PING", [String]())) { _ in } }
    }

    private func pingSubscriber() {
        sendSubscription(SubscriptionCommand(.ping, [""]))
    }

    private func remakeSilentLinks() {
        let now = loop.nowMilliseconds
        // Half a probe period less, because the last reply arrived a little after the timer that sent its probe.
        let limit = timing.silenceMilliseconds - timing.probeMilliseconds / 2
        for link in [subscriber, publisher] {
            guard let heard = link.heardMilliseconds, now - heard >= limit else { continue }
            link.remake(RedisLinkFailure("silent for \(now - heard) ms"))
        }
    }
}
