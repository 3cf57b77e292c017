internal import Bytes
internal import WSLoop

extension RedisBridge: RedisLinkOwner {
    func linkReady(_ link: RedisLink) {
        if link === subscriber {
            link.send([Array("SUBSCRIBE".utf8), probe.channel])
            ledger.linkReady(at: loop.nowMilliseconds)
        }
        guard subscriber.isReady, publisher.isReady else { return }
        handles.probeTimer.start(
            afterMilliseconds: timing.probeMilliseconds, everyMilliseconds: timing.probeMilliseconds)
        if isProbeSubscribed { sendProbe() }
    }

    func link(_ link: RedisLink, received reply: RedisReply) {
        if link === subscriber {
            received(reply)
        } else {
            pending.popFirst()?(reply.publishOutcome)
        }
    }

    func linkLost(_ link: RedisLink, reason: String) {
        handles.probeTimer.stop()
        health.failed(reason, at: loop.nowMilliseconds)
        if link === subscriber {
            isProbeSubscribed = false
            ledger.linkLost()
            notify { $0.bridgeLostSubscriptions() }
        } else {
            failPendingPublishes()
        }
        reportChange()
    }

    func linkFailed(_ link: RedisLink, reason: String) {
        health.failed(reason, at: loop.nowMilliseconds)
        reportChange()
        if link === subscriber { settle(ledger.redisAway()) }
    }

    func failPendingPublishes() {
        for completion in pending.takeAll() { completion(.failure(.connectionLost)) }
    }

    func publish(
        _ payload: [UInt8], toRedis channel: [UInt8], completion: @escaping PendingPublishes.Completion
    ) {
        pending.append(byteCount: payload.count, completion: completion)
        publisher.send([Array("PUBLISH".utf8), channel, payload])
    }

    private func reportChange() {
        let status = status
        if health.isNews(status) { notify { $0.bridgeStatusChanged(status) } }
    }
}

// Subscriptions and their messages.
extension RedisBridge {
    /// Runs at the end of every turn: what was wanted during the turn goes out together.
    func sendCommands() {
        for command in ledger.takeCommands() {
            switch command {
            case .subscribe(let names): subscriber.send([Array("SUBSCRIBE".utf8)] + names.map { Array($0.utf8) })
            case .unsubscribe(let names): subscriber.send([Array("UNSUBSCRIBE".utf8)] + names.map { Array($0.utf8) })
            }
        }
        let deadline = ledger.nextDeadline()
        guard deadline != armedDeadline else { return }
        armedDeadline = deadline
        guard let deadline else { return handles.deadlineTimer.stop() }
        let now = loop.nowMilliseconds
        handles.deadlineTimer.start(afterMilliseconds: deadline > now ? deadline - now : 0)
    }

    func deadlinePassed() {
        armedDeadline = nil
        settle(ledger.advance(to: loop.nowMilliseconds))
        reportChange()
    }

    private func settle(_ settled: [String]) {
        for channel in settled { notify { $0.bridgeSettled(channel) } }
    }

    /// Takes what the subscriber link pushes: `message`, or the reply to SUBSCRIBE or UNSUBSCRIBE for one name.
    private func received(_ reply: RedisReply) {
        guard let kind = reply.element(0), let name = reply.element(1) else { return }
        // The kinds differ in their first byte.
        switch kind.withBytes({ $0.isEmpty ? 0 : $0.byte(at: 0) }) {
        case UInt8(ascii: "m"):
            guard let payload = reply.element(2) else { return }
            payload.withBytes { payload in name.withBytes { receivedMessage(payload, on: $0) } }
        case UInt8(ascii: "s"): name.withBytes { confirmed($0) }
        default: break
        }
    }

    private func receivedMessage(_ payload: RawSpan, on name: RawSpan) {
        if name.hasSameBytes(as: probe.channel.rawSpan) {
            probeReturned(payload)
        } else if let channel = channels.channel(forRedis: name) {
            notify { $0.bridgeReceived(payload, on: channel) }
        } else {
            ignoredMessages += 1
        }
    }

    private func confirmed(_ name: RawSpan) {
        if name.hasSameBytes(as: probe.channel.rawSpan) {
            isProbeSubscribed = true
            if publisher.isReady { sendProbe() }
        } else if let channel = channels.channel(forRedis: name) {
            if ledger.confirmOne(of: channel) { notify { $0.bridgeSettled(channel) } }
            reportChange()
        }
    }
}

// The probe.
extension RedisBridge {
    func probeTimePassed() {
        guard isProbeSubscribed, !probe.isOut else {
            let reason = probe.refusal.map { "the probe was refused: \($0)" }
            let silence = "a probe message did not come back within \(timing.probeMilliseconds) ms"
            subscriber.remake(reason: reason ?? silence)
            publisher.remake(reason: reason ?? silence)
            return
        }
        sendProbe()
    }

    private func sendProbe() {
        publish(probe.send(atNanoseconds: Loop.monotonicNanoseconds), toRedis: probe.channel) { [weak self] in
            if case .failure(.refused(let text)) = $0 { self?.probe.refusal = text }
        }
    }

    private func probeReturned(_ payload: RawSpan) {
        guard let milliseconds = probe.received(payload, atNanoseconds: Loop.monotonicNanoseconds) else { return }
        subscriber.proven()
        publisher.proven()
        health.probed(roundTripMilliseconds: milliseconds, at: loop.nowMilliseconds)
        reportChange()
    }
}
