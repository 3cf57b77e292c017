internal import Hooks
internal import Logging
internal import Protocols
internal import WSLoop

/// Tells the servers of Pusher's applications what happens in channels (`webhook=` of `--pusher-app`).
///
/// Applications share all channels, so each is told of all.
final class PusherWebhooks {
    private let context: LoopContext
    private let state: ServerState
    /// By the application's id.
    private var senders: [String: EventSender] = [:]
    /// What became of the events for applications that are gone.
    private var past = EventStatus()

    init(_ context: LoopContext) {
        self.context = context
        state = context.state
    }

    /// Sends to the applications of now.
    func update(_ fetcher: HTTPFetcher) {
        let apps = state.configuration.pusherApps.filter { $0.options.webhookURL != nil }
        for (id, sender) in senders where !apps.contains(where: { $0.id == id }) {
            past.add(sender.status.ended)
            senders[id] = nil
        }
        for app in apps {
            guard let url = app.options.webhookURL else { continue }
            let envelope = EventEnvelope.pusher(key: app.key, app.signer)
            if let sender = senders[app.id] {
                sender.send(to: url, envelope)
            } else {
                senders[app.id] = EventSender(url, envelope, node: "", fetcher, on: context.loop) { [state] in
                    state.noteHook("webhook of application \(app.id)", $0)
                }
            }
        }
    }

    func tell(_ event: PusherWebhook) {
        guard !senders.isEmpty, let text = event.text else { return }
        for sender in senders.values { sender.add(text: text) }
    }

    /// Tells what all nodes together have decided.
    func tell(_ decision: CensusLedger.Decision) {
        let channel = decision.occupant.channel
        if let user = decision.occupant.user {
            tell(
                decision.isArrival
                    ? .memberAdded(channel: channel, user: user) : .memberRemoved(channel: channel, user: user))
        } else {
            tell(decision.isArrival ? .channelOccupied(channel) : .channelVacated(channel))
        }
    }

    func tick() {
        for sender in senders.values { sender.tick() }
    }

    /// What became of the events.
    func add(to status: inout EventStatus) {
        status.add(past)
        for sender in senders.values { status.add(sender.status) }
    }

    func close() { senders = [:] }
}

@available(*, unavailable)
extension PusherWebhooks: Sendable {}
