internal import Access
internal import Broker
internal import Channels
internal import HTTP
internal import Hooks
internal import WSLoop

/// `/metrics` in the Prometheus text format, version 0.0.4.
struct Metrics {
    private var text = ""

    static func response(_ state: ServerState, _ totals: WorkerCounters) -> Response {
        var metrics = Metrics()
        metrics.addClients(state, totals)
        metrics.addMessages(state, totals)
        metrics.addHistories(state, totals)
        metrics.addPresence(state)
        metrics.addBroker(state)
        metrics.addHooks(state)
        metrics.addEvents(state)
        metrics.addKeySet(state)
        metrics.addProcess(state)
        return Response(.ok, contentType: "text/plain; version=0.0.4; charset=utf-8", body: Array(metrics.text.utf8))
    }

    private mutating func addClients(_ state: ServerState, _ totals: WorkerCounters) {
        let counts = state.directory.counts
        gauge("connections", "Open WebSockets and event streams.", totals.clients)
        gauge("event_streams", "Open event streams.", totals.streams)
        gauge("channels", "Channels with subscribers on this node.", counts.channels)
        gauge("subscriptions", "Subscriptions on this node.", counts.subscriptions)
        counter("connections_opened_total", "WebSockets and event streams opened.", totals.opened)
        head("connections_closed_total", "counter", "WebSockets and event streams closed, by reason.")
        for reason in CloseReason.allCases {
            sample("connections_closed_total", "reason", reason.label, totals.closed[reason.rawValue])
        }
        gauge(
            "deflate_contexts", "Connections for which a decompression context is kept.",
            state.places.deflateContextCount)
        head("handshakes_total", "counter", "Requests for a WebSocket or an event stream, by the status of the answer.")
        for result in HandshakeResult.allCases {
            sample("handshakes_total", "status", result.label, totals.handshakes[result.rawValue])
        }
    }

    private mutating func addMessages(_ state: ServerState, _ totals: WorkerCounters) {
        head("messages_in_total", "counter", "Published messages taken in, by source.")
        for source in MessageSource.allCases {
            let label = source == .broker ? state.broker.traits.label : "\(source)"
            sample("messages_in_total", "source", label, totals.messagesIn[source.rawValue])
        }
        counter("deliveries_total", "Messages written to subscribers.", totals.deliveries)
        counter("delivered_bytes_total", "Bytes written to clients.", totals.deliveredBytes)
        counter(
            "compressions_total", "Messages compressed, once for all subscribers of the same kind.",
            totals.compressions)
        head("dropped_total", "counter", "Messages dropped, by the policy or event that dropped them.")
        for cause in DropCause.allCases {
            sample("dropped_total", "policy", Metrics.label(of: cause), totals.dropped[cause.rawValue])
        }
        sample("dropped_total", "policy", "closed", totals.droppedByClosing)
        sample("dropped_total", "policy", "oversized", totals.droppedOversized)
        counter("messages_over_rate_total", "Messages of clients refused for coming too fast.", totals.messagesOverRate)
        addLimits(state, totals)
        counter("idle_closed_total", "Idle HTTP connections closed for want of descriptors.", totals.idleClosed)
        counter(
            "proxy_headers_refused_total", "Connections without a right PROXY protocol header where one is asked for.",
            totals.proxyHeadersRefused)
        counter("tls_handshakes_total", "TLS handshakes completed.", totals.tlsHandshakes)
        counter("tls_handshake_failures_total", "TLS handshakes that failed.", totals.tlsFailures)
        gauge("inbound_bytes", "Bytes held of what clients have sent and names of channels.", totals.inboundBytes)
        head("inbound_shed_total", "counter", "Connections given up for --inbound-budget, by what they were.")
        for kind in InboundShed.allCases {
            sample("inbound_shed_total", "kind", kind.label, totals.inboundShed[kind.rawValue])
        }
        gauge("outbox_bytes", "Bytes queued for clients.", totals.outboxBytes)
        gauge("outbox_bytes_max", "The most bytes that were queued on one worker.", totals.outboxBytesMax)
        histogram(
            "publish_to_write_seconds", "From taking a message in to having written it to its subscribers.",
            totals.publishToWrite)
        histogram("loop_lag_seconds", "How late the loops' timers fire.", totals.loopLag)
    }

    private mutating func addLimits(_ state: ServerState, _ totals: WorkerCounters) {
        head("limit_hits_total", "counter", "How often a limit was reached, and whether that had an effect.")
        for name in LimitName.allCases {
            let labels = "limit=\"\(name.label)\",enforced=\"\(state.settings.limit(name)?.isEnforced ?? true)\""
            text += "pushd_limit_hits_total{\(labels)} \(totals.limitHits[name.rawValue])\n"
        }
    }

    private mutating func addHistories(_ state: ServerState, _ totals: WorkerCounters) {
        let counts = state.directory.historyCounts
        gauge("history_channels", "Channels that have a history.", counts.channels)
        gauge("history_messages", "Messages in the histories of channels.", counts.messages)
        gauge("history_bytes", "Bytes of the histories of channels.", counts.bytes)
        counter(
            "history_shed_messages_total", "Messages dropped from histories for --history-budget.",
            counts.shedMessages)
        counter(
            "history_healed_messages_total", "Messages that were missed, and read from \(state.broker.traits.name).",
            totals.healedMessages)
        counter("history_losses_total", "How often messages of a history were gone.", totals.historyLosses)
        head("recoveries_total", "counter", "Subscriptions that were to recover messages, by the result.")
        for result in RecoveryResult.allCases {
            sample("recoveries_total", "result", "\(result)", totals.recoveries[result.rawValue])
        }
    }

    private mutating func addPresence(_ state: ServerState) {
        let counts = state.presence.counts
        gauge("presence_members", "Members of channels with presence.", state.presence.memberCount)
        gauge("presence_nodes", "Other nodes whose members are known.", counts.nodes)
        head("presence_events_total", "counter", "Members of watched channels that came or left, as clients were told.")
        sample("presence_events_total", "event", "join", counts.joins)
        sample("presence_events_total", "event", "leave", counts.leaves)
        counter(
            "presence_summaries_total", "Batches of such events replaced by a count, as they were too large.",
            counts.summaries)
    }

    private static func label(of cause: DropCause) -> String {
        switch cause {
        case .disconnect: SlowConsumerPolicy.disconnect.rawValue
        case .dropOldest: SlowConsumerPolicy.dropOldest.rawValue
        case .dropNewest: SlowConsumerPolicy.dropNewest.rawValue
        case .conflate: SlowConsumerPolicy.conflate.rawValue
        case .overBudget: "over_budget"
        case .interval: "conflate-every"
        }
    }

    private mutating func addBroker(_ state: ServerState) {
        let (name, label, status) = (state.broker.traits.name, state.broker.traits.label, state.brokerStatus)
        gauge("\(label)_up", "1 if there is a bridge to \(name) and it is usable.", status?.isUsable == true ? 1 : 0)
        counter("\(label)_reconnects_total", "Connections to \(name) made again.", status?.reconnects ?? 0)
        head(
            "\(label)_probe_seconds", "gauge",
            "Round trip of the last probe message through \(name); NaN before the first.")
        text += "pushd_\(label)_probe_seconds \(status?.probeMilliseconds.map { "\($0 / 1000)" } ?? "NaN")\n"
        gauge(
            "\(label)_subscribed_channels", "Channels that \(name) has confirmed.", status?.subscribedChannels ?? 0)
        gauge(
            "\(label)_queued_commands", "Messages and commands that wait for \(name).", status?.queuedCommands ?? 0)
        counter(
            "\(label)_overruns_total", "Links that \(name) has cut at its output buffer limit.", status?.overruns ?? 0)
        counter(
            "\(label)_ignored_messages_total", "Messages of \(name) channels that are no channel here.",
            status?.ignoredMessages ?? 0)
    }

    private mutating func addHooks(_ state: ServerState) {
        guard let status = state.questionStatus else { return }
        let kinds = HookKind.allCases.filter { state.configuration.hooks.urls[$0] != nil }
        head("hook_answers_total", "counter", "Clients that the backend has decided about, by its answer.")
        for kind in kinds {
            let counts = status.counts[kind]
            for (answer, count) in [("allow", counts.allowed), ("deny", counts.denied)] {
                text += "pushd_hook_answers_total{hook=\"\(kind.label)\",answer=\"\(answer)\"} \(count)\n"
            }
        }
        head("hook_failures_total", "counter", "Clients whose question had no answer, by the reason.")
        for kind in kinds {
            for reason in HookFailure.labels {
                let count = status.counts[kind].failed[reason] ?? 0
                text += "pushd_hook_failures_total{hook=\"\(kind.label)\",reason=\"\(reason)\"} \(count)\n"
            }
        }
        head("hook_cached_total", "counter", "Answers taken from an equal question of a moment ago.")
        for kind in kinds { sample("hook_cached_total", "hook", kind.label, status.counts[kind].cached) }
        head("hook_shared_total", "counter", "Clients that waited for the answer to an equal question.")
        for kind in kinds { sample("hook_shared_total", "hook", kind.label, status.counts[kind].shared) }
        head("hook_up", "gauge", "1 if the backend is asked, 0 if it is left alone since it fails.")
        for kind in kinds { sample("hook_up", "hook", kind.label, status.down[kind] == nil ? 1 : 0) }
        gauge("hook_questions", "Questions that wait for an answer.", status.pending)
    }

    private mutating func addEvents(_ state: ServerState) {
        guard let status = state.eventStatus else { return }
        counter("events_sent_total", "Events that the backend has taken.", status.sent)
        counter("events_dropped_total", "Events dropped since too many waited.", status.dropped)
        counter("event_batch_failures_total", "Attempts to send events that failed.", status.failures)
        gauge("events_up", "1 if the backend has taken the last batch of events.", status.problem == nil ? 1 : 0)
        gauge("events_queued", "Events that wait to be taken.", status.queued)
        gauge("events_queued_bytes", "Their bytes.", status.queuedBytes)
    }

    private mutating func addKeySet(_ state: ServerState) {
        guard let status = state.keySetStatus else { return }
        gauge("token_keys", "Keys of --token-jwks in use.", status.keys)
        gauge("token_keys_up", "1 if the last attempt to fetch them succeeded.", status.problem == nil ? 1 : 0)
        head("token_key_fetches_total", "counter", "Attempts to fetch them, by the result.")
        sample("token_key_fetches_total", "result", "ok", status.fetches)
        sample("token_key_fetches_total", "result", "failed", status.failures)
    }

    private mutating func addProcess(_ state: ServerState) {
        gauge("open_fds", "Open file descriptors.", SystemLimits.openDescriptors())
        gauge("max_fds", "The limit of open file descriptors.", state.places.descriptorLimit)
        counter(
            "log_lines_dropped_total", "Log lines that were not written since standard error was not read.",
            state.configuration.droppedLogLines())
        let uptime = Double(Loop.monotonicNanoseconds - state.lifecycle.startedNanoseconds) / 1e9
        head("uptime_seconds", "gauge", "From the start of the process until these figures were computed.")
        text += "pushd_uptime_seconds \(uptime)\n"
        head("start_time_seconds", "gauge", "When the process started, in Unix time.")
        text += "pushd_start_time_seconds \(state.lifecycle.startTimeSeconds)\n"
        gauge("resident_memory_bytes", "Resident memory.", SystemLimits.residentMemoryBytes())
        head("build_info", "gauge", "The running version.")
        sample("build_info", "version", Server.version, 1)
    }

    private mutating func gauge(_ name: String, _ help: String, _ value: Int) {
        head(name, "gauge", help)
        text += "pushd_\(name) \(value)\n"
    }

    private mutating func counter(_ name: String, _ help: String, _ value: Int) {
        head(name, "counter", help)
        text += "pushd_\(name) \(value)\n"
    }

    private mutating func head(_ name: String, _ type: String, _ help: String) {
        text += "# HELP pushd_\(name) \(help)\n# TYPE pushd_\(name) \(type)\n"
    }

    private mutating func sample(_ name: String, _ label: String, _ value: String, _ count: Int) {
        text += "pushd_\(name){\(label)=\"\(value)\"} \(count)\n"
    }

    private mutating func histogram(_ name: String, _ help: String, _ histogram: Histogram) {
        head(name, "histogram", help)
        var total = 0
        for (index, bound) in Histogram.boundsSeconds.enumerated() {
            total += histogram.buckets[index]
            text += "pushd_\(name)_bucket{le=\"\(bound)\"} \(total)\n"
        }
        total += histogram.buckets[Histogram.boundsSeconds.count]
        text += "pushd_\(name)_bucket{le=\"+Inf\"} \(total)\n"
        text += "pushd_\(name)_sum \(histogram.sumSeconds)\npushd_\(name)_count \(total)\n"
    }
}
