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
        followNodes()
        remakeSilentLinks()
        guard isReady else { return pingLinks() }
        if probe.isSubscribed, probe.outSinceMilliseconds == nil {
            sendProbe()
        } else {
            probeMissing()
        }
    }

    func sendProbe() {
        overruns.ask()
        let payload = probe.send(atNanoseconds: Loop.monotonicNanoseconds)
        publisher.send(payload, to: Array(probe.channel.utf8)) { [weak self] result in
            if case .failure(.refused(let text)) = result { self?.probeRefused(text) }
        }
        // Distinguishes a dead subscriber link from one that has lost its subscription.
        subscriber.ping()
        master.ask()
    }

    func probeReturned(_ payload: RawSpan) {
        guard let milliseconds = probe.received(payload, atNanoseconds: Loop.monotonicNanoseconds) else { return }
        subscriber.link.proven()
        publisher.link.proven()
        overruns.linkProven()
        health.probed(roundTripMilliseconds: milliseconds, at: loop.nowMilliseconds)
        notify { $0.shardChanged(self) }
    }

    /// The shard's slots changed: the probe's channel must be in one of them.
    func renewProbe() {
        var random = SystemRandomNumberGenerator()
        probe = RoundTripProbe(in: ledger.names.slots, using: &random)
        subscriber.send(SubscriptionCommand(.subscribe, [probe.channel]))
    }

    /// Reports the reason at once; the links are re-established when the next probe is due.
    func probeRefused(_ text: String) {
        let reason = RedisLinkFailure("the probe was refused: \(text)", .told)
        probe.refusal = reason
        if let redirection = ClusterRedirection(error: text) {
            return notify { $0.shard(self, redirected: redirection) }
        }
        health.refused(subscriber.link.address.map { reason.at($0) } ?? reason, at: loop.nowMilliseconds)
        notify { $0.shardChanged(self) }
    }

    /// The probe did not come back.
    ///
    /// A link on which Redis still answers is useless then and is re-established. A link on which Redis does not answer
    /// may be frozen, or have much output before the answer; it is kept until the limit of silence.
    private func probeMissing() {
        let failure =
            probe.refusal
            ?? RedisLinkFailure("a probe message did not come back within \(timing.probeMilliseconds) ms")
        let since = probe.outSinceMilliseconds ?? 0
        let answers =
            subscriber.pingAnsweredMilliseconds >= since && (publisher.link.heardMilliseconds ?? 0) >= since
        if probe.refusal != nil || answers {
            subscriber.link.remake(failure)
            publisher.link.remake(failure)
        } else {
            health.silent(failure, at: loop.nowMilliseconds)
            notify { $0.shardChanged(self) }
            pingLinks()
        }
    }

    /// Pings both links: a link without input for long counts as silent, even while the other one is down.
    private func pingLinks() {
        subscriber.ping()
        publisher.ask(RedisCommand("PING", [String]())) { _ in }
    }

    private func remakeSilentLinks() {
        let now = loop.nowMilliseconds
        // Half a probe period less, because the last reply arrived a little after the timer that sent its probe.
        let limit = timing.silenceMilliseconds - timing.probeMilliseconds / 2
        for link in [subscriber.link, publisher.link] {
            guard let heard = link.heardMilliseconds, now - heard >= limit else { continue }
            link.remake(RedisLinkFailure("silent for \(now - heard) ms"))
        }
    }
}
