internal import Channels
internal import HTTP
internal import Protocols

/// The last event that a client of an event stream has got.
enum LastEvent {
    case none
    /// Its id is a cursor.
    case cursor(EventCursor)
    /// Its id is not one of this server's, such as one of the server that was here before.
    case foreign

    /// No history has this epoch.
    private static let nowhere = StreamPosition(epoch: "?", offset: 0)

    /// Reads the header that browsers send when they connect again, or else `last_event_id=`.
    init(of head: RequestHead) throws(UpgradeRefusal) {
        do throws(BadRequest) {
            let named = try head.parameter("last_event_id")
            guard let id = head.value(of: "last-event-id") ?? named, !id.isEmpty else {
                self = .none
                return
            }
            self = EventCursor(id).map { .cursor($0) } ?? .foreign
        } catch {
            throw .badRequest(error.reason)
        }
    }

    /// From where a channel is to be recovered; nil if it is a new one for the client.
    func place(in channel: String) -> StreamPosition? {
        switch self {
        case .none: nil
        case .cursor(let cursor): cursor[channel]
        case .foreign: LastEvent.nowhere
        }
    }
}
