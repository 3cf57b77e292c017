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
            askForOverruns()
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
            queue.sent { _ in }
            publisher.send(RedisCommand("PING", [String]()))
        }
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
}

// Whether Redis has cut the subscriber link, whose messages it could not get rid of.
extension RedisShard {
    /// Asks Redis how often it has cut a client for its output buffer; it tells since version 7.
    func askForOverruns(then completion: @escaping () -> Void = {}) {
        guard publisher.isReady, !overruns.isRefused else { return completion() }
        queue.sent { [weak self] reply in
            defer { completion() }
            guard let self, let reply else { return }
            // Redis notes each command that a user may not use.
            overruns.isRefused = reply.errorText != nil
            let cuts = reply.withBytes { OverrunWatch.cuts(inStatistics: $0) }
            if overruns.saw(cuts, linkWasCut: !subscriber.isReady) { health.overrun() }
        }
        publisher.send(RedisCommand("INFO", ["stats"]))
    }
}

/// Tells from Redis' own count whether a link that it closed without a word was cut for its output buffer.
struct OverrunWatch {
    /// How often that happened to this node.
    private(set) var count = 0
    /// Redis does not let this user ask.
    var isRefused = false
    private var lastCuts: Int?

    /// Another Redis, or a new one, counts anew.
    mutating func forgetBaseline() {
        lastCuts = nil
        isRefused = false
    }

    /// Takes Redis' count; true if it has grown while our link was cut.
    mutating func saw(_ cuts: Int?, linkWasCut: Bool) -> Bool {
        guard let cuts else { return false }
        defer { lastCuts = cuts }
        guard linkWasCut, let lastCuts, cuts > lastCuts else { return false }
        count += 1
        return true
    }

    /// Redis' count in its answer to `INFO stats`; nil if it has none.
    static func cuts(inStatistics text: RawSpan) -> Int? {
        guard let text = text.text else { return nil }
        let key = "client_output_buffer_limit_disconnections:"
        let line = text.split(whereSeparator: \.isNewline).first { $0.hasPrefix(key) }
        return line.flatMap { Int($0.dropFirst(key.count)) }
    }
}
