internal import Access
internal import Channels
internal import Protocols

extension CommandRunner {
    /// Sends who is in a channel.
    func listPresence(_ connection: Connection, of channel: String, id: [UInt8]) {
        let isMember = context.hub.isMember(connection.slot, of: channel)
        if let refusal = presenceRefusal(on: channel, connection, isSubscribed: isMember) {
            return webSockets.reply(.refused(refusal), to: id, of: connection)
        }
        webSockets.reply(.presence(channel: channel, context.state.presence.list(channel)), to: id, of: connection)
    }

    /// Why a connection may not see who is in a channel; nil if it may.
    func presenceRefusal(on channel: String, _ connection: Connection, isSubscribed: Bool) -> CommandRefusal? {
        let rules = context.settings.access.channels
        let decision = rules.decision(
            to: .presence, channel, by: connection.identity, isSubscribed: isSubscribed)
        if let denial = decision.denial { return .denied(denial) }
        return rules.presenceGrace(of: channel) == nil ? .noPresence : nil
    }
}
