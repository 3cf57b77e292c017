internal import Bytes
internal import WSLoop

// Whether the links do their work.
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
        // Tells a subscriber link that is dead from one that has lost its subscription.
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

    /// The shard has other slots: its probe must have its channel in one of them.
    func renewProbe() {
        var random = SystemRandomNumberGenerator()
        probe = RoundTripProbe(in: ledger.names.slots, using: &random)
        isProbeSubscribed = false
        if subscriber.isReady { sendSubscription(SubscriptionCommand(.subscribe, [probe.channel])) }
    }

    /// Tells the reason at once; the links are made again when the next probe is due.
    func probeRefused(_ text: String) {
        probe.refusal = text
        guard ClusterRedirection(error: text) == nil else { return }
        let reason = RedisShard.refusedProbe(text)
        health.refused(subscriber.address.map { reason.at($0) } ?? reason, at: loop.nowMilliseconds)
        notify { $0.shardChanged(self) }
    }

    /// A link on which Redis still answers is of no use if the probe does not come back by it; one on which it does not
    /// answer may be frozen, or has much on its way before the answer, and loses nothing unless the limit of silence
    /// passes.
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

    /// A link that is not heard of for long counts as silent, also while the other one is missing.
    private func pingLinks() {
        if subscriber.isReady { pingSubscriber() }
        if publisher.isReady { ask(RedisCommand("PING", [String]())) { _ in } }
    }

    private func pingSubscriber() {
        sendSubscription(SubscriptionCommand(.ping, [""]))
    }

    private func remakeSilentLinks() {
        let now = loop.nowMilliseconds
        // What answered a probe was heard a little after the timer that comes the limit later.
        let limit = timing.silenceMilliseconds - timing.probeMilliseconds / 2
        for link in [subscriber, publisher] {
            guard let heard = link.heardMilliseconds, now - heard >= limit else { continue }
            link.remake(RedisLinkFailure("silent for \(now - heard) ms"))
        }
    }
}
