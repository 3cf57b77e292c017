internal import Bytes
internal import Channels
internal import Protocols

/// Describes connections for admins.
struct ConnectionReports {
    private let context: LoopContext
    private let addresses: ClientAddresses
    private let users: Users
    private let closing: Closing

    init(_ context: LoopContext, _ connections: Connections) {
        self.context = context
        addresses = connections.addresses
        users = connections.users
        closing = connections.closing
    }

    /// A connection's entry in a list.
    ///
    /// - Parameter namesChannels: whether its channels are named, and not only counted.
    func entry(_ connection: Connection, namesChannels: Bool) -> Listing.Entry {
        let (hub, slot) = (context.hub, connection.slot)
        let name = context.id(of: connection).description
        var text = JSONObjectWriter()
        text.member("connection", name)
        text.member("user", users.name(of: connection) ?? Users.anonymous)
        text.member("protocol", ClientProtocols.name(ofEncoder: hub.form(of: slot).encoder))
        text.member("address", addresses.logged(connection))
        text.member("since_s", seconds(context.tick - connection.openedTick))
        text.member("silent_s", seconds(connection.life.silentTicks(at: context.tick)))
        text.member("subscriptions", hub.channelCount(of: slot))
        text.member("queued_bytes", closing.queuedBytes(of: connection))
        if namesChannels { text.member("channels", raw: JSON.array(hub.channelNames(of: slot))) }
        return Listing.Entry(name: name, text: text.finish())
    }

    private func seconds(_ ticks: UInt32) -> Int {
        Int(UInt64(ticks) * DeadlineWheel.tickMilliseconds / 1000)
    }
}
