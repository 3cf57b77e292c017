internal import Broker
internal import Bytes
internal import Channels
internal import HTTP
internal import Hooks
internal import Tokens
internal import WSLoop

/// The responses of the endpoints that only report.
enum Reports {
    static func published(channel: String, subscribers: Int) -> Response {
        var body = JSONObjectWriter()
        body.member("channel", channel)
        body.member("subscribers", subscribers)
        return Response(.ok, contentType: "application/json", body: body.finish())
    }

    /// `/health`: always 200, because restarting a server when its broker is lost makes things worse.
    ///
    /// - Parameter tellsReasons: whether to show error texts, which may contain addresses.
    static func health(_ state: ServerState, _ totals: WorkerCounters, tellsReasons: Bool) -> Response {
        let counts = state.directory.counts
        let now = Loop.monotonicNanoseconds
        var body = JSONObjectWriter()
        body.member("status", status(state))
        body.member("connections", totals.clients)
        body.member("channels", counts.channels)
        body.member("subscriptions", counts.subscriptions)
        body.member("uptime_s", Int((now - state.lifecycle.startedNanoseconds) / 1_000_000_000))
        body.member("workers", state.workers)
        body.member(state.broker.traits.label, raw: broker(state, now, tellsReasons))
        if let status = state.questionStatus { body.member("hooks", raw: hooks(state, status, tellsReasons)) }
        if let status = state.eventStatus { body.member("events", raw: events(status, tellsReasons)) }
        if let status = state.keySetStatus { body.member("token_keys", raw: keySet(status, now, tellsReasons)) }
        return Response(.ok, contentType: "application/json", body: body.finish())
    }

    static func status(_ state: ServerState) -> String {
        if state.lifecycle.phase.isStopping { return "draining" }
        let isWell =
            isBrokerUsable(state) && state.questionStatus?.down.isEmpty != false && state.keySetStatus?.problem == nil
            && state.eventStatus?.problem == nil
        return isWell ? "ok" : "degraded"
    }

    private static func isBrokerUsable(_ state: ServerState) -> Bool {
        state.broker.isEmbedded || state.brokerStatus?.isUsable == true
    }

    /// `/health/live`: 503 only if a loop is stuck.
    static func liveness(_ state: ServerState) -> Response {
        verdict(state.boards.allLoopsTurn ? nil : "a loop has stopped turning")
    }

    /// `/health/ready`: 503 while new clients would not be served.
    static func readiness(_ state: ServerState) -> Response {
        switch state.lifecycle.phase {
        case .starting: verdict("starting")
        case .leaving, .draining: verdict("draining")
        case .serving where state.places.isFull || state.places.isStarved: verdict("full")
        case .serving where state.configuration.readyNeedsBroker && !isBrokerUsable(state): verdict("degraded")
        case .serving: verdict(nil)
        }
    }

    private static func verdict(_ problem: String?) -> Response {
        var body = JSONObjectWriter()
        body.member("status", problem ?? "ok")
        return Response(
            problem == nil ? .ok : .serviceUnavailable, contentType: "application/json", body: body.finish())
    }

    private static func broker(_ state: ServerState, _ now: UInt64, _ tellsReasons: Bool) -> [UInt8] {
        var text = JSONObjectWriter()
        guard !state.broker.isEmbedded else {
            text.member("state", "embedded")
            return text.finish()
        }
        guard let status = state.brokerStatus else {
            text.member("state", "connecting")
            return text.finish()
        }
        text.member("state", status.state.rawValue)
        let nowMilliseconds = now / 1_000_000
        text.member("since_s", Int((nowMilliseconds - min(status.sinceMilliseconds, nowMilliseconds)) / 1000))
        text.member("reconnects", status.reconnects)
        text.member("subscribed", status.subscribedChannels)
        if let probe = status.probeMilliseconds { text.member("probe_ms", raw: decimal(probe)) }
        if tellsReasons, let reason = status.reason { text.member("reason", reason) }
        return text.finish()
    }

    /// The hooks that ask questions, by name.
    private static func hooks(_ state: ServerState, _ status: QuestionStatus, _ tellsReasons: Bool) -> [UInt8] {
        var text = JSONObjectWriter()
        for kind in HookKind.allCases where state.configuration.hooks.urls[kind] != nil {
            var hook = JSONObjectWriter()
            let failure = status.down[kind]
            hook.member("state", failure == nil ? "up" : "down")
            if tellsReasons, let failure { hook.member("reason", failure.description) }
            text.member(kind.label, raw: hook.finish())
        }
        return text.finish()
    }

    /// The events of `--hook-events`.
    private static func events(_ status: EventStatus, _ tellsReasons: Bool) -> [UInt8] {
        var text = JSONObjectWriter()
        text.member("state", status.problem == nil ? "up" : "down")
        text.member("queued", status.queued)
        if tellsReasons, let problem = status.problem { text.member("reason", problem) }
        return text.finish()
    }

    /// The keys of `--token-jwks`.
    private static func keySet(_ status: KeySetStatus, _ now: UInt64, _ tellsReasons: Bool) -> [UInt8] {
        var text = JSONObjectWriter()
        text.member("state", status.state.rawValue)
        text.member("keys", status.keys)
        if let fetched = status.fetchedMilliseconds {
            text.member("age_s", Int((now / 1_000_000 - min(fetched, now / 1_000_000)) / 1000))
        }
        if tellsReasons, let problem = status.problem { text.member("reason", problem.description) }
        return text.finish()
    }

    /// Three decimals, without Foundation.
    private static func decimal(_ value: Double) -> [UInt8] {
        let thousandths = Int((value * 1000).rounded())
        let fraction = String(thousandths % 1000 + 1000).dropFirst()
        return Array("\(thousandths / 1000).\(fraction)".utf8)
    }
}
