internal import Access
internal import Bytes
internal import Channels
internal import HTTP
internal import Protocols
internal import WSLoop

/// Reports to traces what happens on one loop to the clients and channels that they are about.
///
/// `LoopContext.tracer` is nil while there is no trace, so that an event costs one check then.
final class Tracer {
    /// More events of a trace are left out until the next tick, and counted.
    private static let eventsPerTick = 256

    private struct Watch {
        let ticket: TraceTicket
        let filter: TraceFilter
        var left = Tracer.eventsPerTick
        var lost = 0
        /// By slot: the users of connections that are about to end, which leave their channels before.
        var ending: [UInt32: String] = [:]
    }

    private unowned let context: LoopContext
    private let table: ConnectionTable
    private let users: Users
    private let addresses: ClientAddresses
    private var watches: [Watch] = []

    init(_ context: LoopContext, _ connections: Connections) {
        self.context = context
        table = connections.table
        users = connections.users
        addresses = connections.addresses
    }

    /// Begins or ends to report to a trace.
    func change(_ change: TraceChange) {
        switch change {
        case .begin(let ticket, let filter):
            watches.append(Watch(ticket: ticket, filter: filter))
            context.post(.traced(ticket.number, .begun), to: ticket.loop)
        case .end(let ticket): watches.removeAll { $0.ticket == ticket }
        }
        context.tracer = watches.isEmpty ? nil : self
        context.hub.reportDrops(!watches.isEmpty)
    }

    /// Says how many events were left out, and reports again.
    func tick() {
        for index in watches.indices {
            let (ticket, lost) = (watches[index].ticket, watches[index].lost)
            if lost > 0 { context.post(.traced(ticket.number, .lost(lost)), to: ticket.loop) }
            watches[index].lost = 0
            watches[index].left = Tracer.eventsPerTick
        }
    }

    private func report(_ text: [UInt8], to index: Int) {
        guard watches[index].left > 0 else {
            watches[index].lost += 1
            return
        }
        watches[index].left -= 1
        let ticket = watches[index].ticket
        context.post(.traced(ticket.number, .event(text)), to: ticket.loop)
    }

    private var milliseconds: Int { Int(Loop.unixTimeSeconds * 1000) }

    private func text(_ event: TraceEvent, _ connection: Connection, user: String) -> [UInt8] {
        event.text(atMilliseconds: milliseconds, of: (context.id(of: connection).description, user))
    }
}

// MARK: - Events

extension Tracer {
    func note(_ event: TraceEvent, of connection: Connection) {
        for index in matching(connection, event) {
            report(text(event, connection, user: users.name(of: connection) ?? Users.anonymous), to: index)
        }
    }

    func noteConnected(_ connection: Connection) {
        let hub = context.hub
        let event = TraceEvent.connected(
            channels: hub.channelNames(of: connection.slot),
            protocol: ClientProtocols.name(ofEncoder: hub.form(of: connection.slot).encoder),
            address: addresses.logged(connection))
        note(event, of: connection)
    }

    /// A client was not let in.
    func noteRefusal(_ status: HTTPStatus, _ reason: String, _ head: RequestHead, _ connection: Connection) {
        let named = try? head.queryValues(of: "user_id").first
        let user = connection.identity?.user ?? named ?? Users.anonymous
        let channels = Set(((try? head.queryValues(of: "channel")) ?? []).map { ByteName($0) })
        let event = TraceEvent.refused(status: status.rawValue, reason: reason)
        for index in watches.indices {
            let filter = watches[index].filter
            guard filter.matches(connection: nil, user: user, isInChannel: { channels.contains(ByteName($0)) }) else {
                continue
            }
            report(event.text(atMilliseconds: milliseconds, of: nil), to: index)
        }
    }

    /// A message is being delivered to its channel's subscribers on this loop.
    func note(_ message: Message) {
        let event = TraceEvent.message(
            channel: message.channel, bytes: message.payload.count,
            subscribers: context.hub.channels.subscriberCount(of: message.channel))
        for index in watches.indices where receives(watches[index].filter, message.channel) {
            report(event.text(atMilliseconds: milliseconds, of: nil), to: index)
        }
    }

    /// Called before a client leaves its channels since it is about to end; then `noteClosed` has the reason.
    func noteEnding(_ connection: Connection) {
        guard connection.isClient else { return }
        for index in matching(connection, nil) where watches[index].ending[connection.slot] == nil {
            watches[index].ending[connection.slot] = users.name(of: connection) ?? Users.anonymous
        }
    }

    func noteClosed(_ connection: Connection) {
        for index in watches.indices {
            guard let user = watches[index].ending.removeValue(forKey: connection.slot) else { continue }
            report(text(.closed(connection.life.closeReason), connection, user: user), to: index)
        }
    }

    private func matching(_ connection: Connection, _ event: TraceEvent?) -> [Int] {
        watches.indices.filter { index in
            watches[index].filter.matches(connection: context.id(of: connection), user: users.name(of: connection)) {
                guard let channel = event?.channel else { return context.hub.isMember(connection.slot, of: $0) }
                return ByteName(channel) == ByteName($0)
            }
        }
    }

    /// Whether a trace is about messages of a channel: its client gets them on this loop.
    private func receives(_ filter: TraceFilter, _ channel: String) -> Bool {
        if let wanted = filter.channel, ByteName(wanted) != ByteName(channel) { return false }
        if let id = filter.connection {
            return id.node == context.state.nodeID && id.loop == context.index && table[id.key] != nil
                && context.hub.receives(id.key.slot, channel)
        }
        guard let user = filter.user else { return true }
        return users.slots(of: user).contains { context.hub.receives($0, channel) }
    }
}

@available(*, unavailable)
extension Tracer: Sendable {}
