internal import Bytes
internal import WSLoop

/// What a trace is about: everything that is given must fit.
struct TraceFilter: Sendable {
    /// The user of a connection.
    var user: String?
    /// The channel of an event; for an event without one, a channel that the connection has joined.
    var channel: String?
    /// The connection's slot and generation on its loop.
    var connection: ConnectionID?

    /// Whether a trace reports an event.
    ///
    /// - Parameters:
    ///   - connection: nil for a client that was refused, or a message on its way to all subscribers.
    ///   - isInChannel: whether the event is about the channel.
    func matches(connection: ConnectionID?, user: @autoclosure () -> String?, isInChannel: (String) -> Bool) -> Bool {
        if let wanted = self.connection, connection != wanted { return false }
        if let wanted = self.user, user().map({ ByteName($0) }) != ByteName(wanted) { return false }
        if let channel, !isInChannel(channel) { return false }
        return true
    }
}

/// Identifies a trace: the loop that its stream is on, and its number there.
struct TraceTicket: Sendable, Equatable {
    let loop: Int
    let number: UInt32
}

/// What a loop tells another about a trace.
enum TraceReport: Sendable {
    /// From now on everything is reported.
    case begun
    /// Something has happened: a JSON text.
    case event([UInt8])
    /// So many events were left out.
    case lost(Int)
}

/// What a loop does about a trace.
enum TraceChange: Sendable {
    case begin(TraceTicket, TraceFilter)
    case end(TraceTicket)
}
