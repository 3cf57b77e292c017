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
    /// Counts the connections of a user.
    case user(String)
    /// Carries out an order, and counts the connections that it concerned.
    case order(Order)
    /// Ends the connections whose tokens are revoked.
    case endRevoked

    /// The part of a list that is asked for.
    var page: ListPage {
        switch self {
        case .channels(_, let page), .connections(_, _, let page): page
        case .channel, .connection, .user, .order, .endRevoked: ListPage()
        }
    }

    /// Whether it is answered with a list, which is work for a whole loop.
    var isList: Bool {
        switch self {
        case .channels, .connections: true
        case .channel, .connection, .user, .order, .endRevoked: false
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
