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
        guard subscriber.isReady, publisher.isReady else { return }
        if isProbeSubscribed, probe.outSinceMilliseconds == nil {
            sendProbe()
        } else {
            probeMissing()
        }
    }

    func sendProbe() {
        let payload = probe.send(atNanoseconds: Loop.monotonicNanoseconds)
        send(payload, to: Array(probe.channel.utf8)) { [weak self] result in
            guard let self, case .failure(.refused(let text)) = result else { return }
            probe.refusal = text
            if let redirection = ClusterRedirection(error: text) {
                notify { $0.shard(self, redirected: redirection) }
            }
        }
        // Tells a subscriber link that is dead from one that has lost its subscription.
        pingSubscriber()
    }

    func probeReturned(_ payload: RawSpan) {
        guard let milliseconds = probe.received(payload, atNanoseconds: Loop.monotonicNanoseconds) else { return }
        subscriber.proven()
        publisher.proven()
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

    /// A link on which Redis still answers is of no use if the probe does not come back by it; one on which it does not
    /// answer may be frozen, and loses nothing if it wakes up before the limit of silence.
    private func probeMissing() {
        let refusal = probe.refusal.map { "the probe was refused: \($0)" }
        let reason = refusal ?? "a probe message did not come back within \(timing.probeMilliseconds) ms"
        let since = probe.outSinceMilliseconds ?? 0
        let answers = [subscriber, publisher].allSatisfy { ($0.heardMilliseconds ?? 0) > since }
        if refusal != nil || answers {
            subscriber.remake(reason: reason)
            publisher.remake(reason: reason)
        } else {
            health.silent(reason, at: loop.nowMilliseconds)
            notify { $0.shardChanged(self) }
            pingSubscriber()
            pingPublisher { _ in }
        }
    }

    private func pingPublisher(answered: @escaping PublishQueue.Answered) {
        queue.sent(answered: answered)
        publisher.send(RedisCommand("PING", [String]()))
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
            link.remake(reason: "silent for \(now - heard) ms")
        }
    }

    /// Tells why a link was lost.
    ///
    /// Redis ends the subscriber link in the middle of a message only if it drops what it could not send: this node did not keep up with its
    /// output buffer. Unless Redis itself is gone, which the other link tells.
    func explain(_ failure: RedisLinkFailure, then completion: @escaping () -> Void) {
        guard failure.isCutMidReply, publisher.isReady else { return completion() }
        pingPublisher { [weak self] reply in
            defer { completion() }
            guard let self, reply != nil else { return }
            overruns += 1
            health.overrun()
        }
    }
}
