internal import Channels
internal import WSLoop

/// A request of the API to the loops: each executes it for its own connections, and answers with a `Listing`.
enum Call: Sendable {
    /// Lists the channels that match, with their subscribers.
    case channels(matching: ChannelPattern?, ListPage)
    /// Counts the subscribers of a channel.
    case channel(String)
    /// Lists the connections of a user, of a channel, or all.
    case connections(user: String?, channel: String?, ListPage)
    /// Describes a connection.
    case connection(StreamKey)

    /// The part of a list that is asked for.
    var page: ListPage {
        switch self {
        case .channels(_, let page), .connections(_, _, let page): page
        case .channel, .connection: ListPage()
        }
    }
}

/// A part of a list: at most `limit` entries, with names after `after`.
struct ListPage: Sendable {
    static let maxLimit = 1000

    var after = ""
    var limit = 100
}

/// Identifies a call that a loop waits for.
struct CallTicket: Sendable {
    let loop: Int
    let number: UInt32
}
