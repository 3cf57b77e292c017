/// Why a client's frame, or what it asks for, is refused.
enum PusherViolation: Error, Equatable {
    case badJSON(String)
    case binary
    case missingEvent
    case badData
    case missingChannel
    case badChannel
    case unknownEvent
    case badSignature
    case noChannelData
    case badChannelData
    case notSignedIn
    case badUserData
    case badWatchlist
    case otherUser
    case noClientEvents
    case badEventName
    case tooLarge

    var message: String {
        switch self {
        case .badJSON(let what): "bad JSON: \(what)"
        case .binary: "binary frames have no meaning here; send one JSON object as text"
        case .missingEvent: "the field event is missing or not a string"
        case .badData: "the field data has not what this event needs"
        case .missingChannel: "the field channel is missing or not a string"
        case .badChannel:
            "a channel's name has 1 to \(PusherChannel.maxBytes) letters, digits and the signs _-=@,.;"
        case .unknownEvent: "clients send pusher:… events of the protocol, and client-… events"
        case .badSignature: "the signature (auth) is not this application's, or not for this connection and channel"
        case .noChannelData: "a presence channel needs channel_data with a user_id, or a client that has signed in"
        case .badChannelData:
            "channel_data is JSON with a user_id of 1 to 255 bytes and at most \(PusherMember.maxInfoBytes) bytes of "
                + "user_info"
        case .notSignedIn: "only the client that has signed in as the user may subscribe to this channel"
        case .badUserData: "user_data is JSON with an id, a string of 1 to 255 bytes"
        case .badWatchlist: "watchlist is a list of at most \(PusherMember.maxWatched) users"
        case .otherUser: "this connection has signed in as another user"
        case .noClientEvents: "client events are for private and presence channels that are not encrypted"
        case .badEventName: "an event's name has at most \(PusherEvent.maxNameBytes) bytes"
        case .tooLarge: "a client event has at most \(PusherEvent.maxClientDataBytes) bytes of data"
        }
    }

    /// The status of an error about a subscription.
    var status: Int {
        switch self {
        case .badSignature, .noChannelData, .badChannelData, .notSignedIn: 401
        default: 400
        }
    }
}
