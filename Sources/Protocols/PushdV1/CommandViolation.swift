internal import Channels

/// Why a frame is not a valid command; the client gets an error, and the connection stays open.
enum CommandViolation: Error, Equatable {
    case badJSON(String)
    case missingAction
    case unknownAction
    case badChannel
    case badChannels
    case twoChannelFields
    case badFlag(String)
    case badCount(String)
    case badRecover
    case recoverOfSeveral
    case strictWithoutRecover
    case missingData
    case badKey
    case badToken
    case badID
    case binary

    var message: String {
        switch self {
        case .badJSON(let what): "bad JSON: \(what)"
        case .missingAction: "the field action is missing or not a string"
        case .unknownAction:
            "unknown action; known are ping, subscribe, unsubscribe, publish, history, presence and refresh"
        case .badChannel: "the field channel must be a string of 1 to 255 bytes without control characters"
        case .badChannels:
            "the field channels must be a list of one string or more, each of 1 to 255 bytes without control characters"
        case .twoChannelFields: "a command has either the field channel or the field channels"
        case .badFlag(let field): "the field \(field) must be true or false"
        case .badCount(let field):
            "the field \(field) must be a number of messages, at most \(HistoryLimits.counts.upperBound)"
        case .badRecover: #"the field recover must be {"epoch":"…","offset":N}"#
        case .recoverOfSeveral: "the field recover is about one channel: send a command for each"
        case .strictWithoutRecover: "the field strict is only for a command with the field recover"
        case .missingData: "the field data is missing"
        case .badKey: "the field key must be a string of 1 to 255 bytes without control characters"
        case .badToken: "the field token must be a string"
        case .badID: "the field id must be a string or a number of at most 255 bytes"
        case .binary: "binary frames have no meaning here; send one JSON object as text"
        }
    }

    var code: String {
        switch self {
        case .badJSON: "bad_json"
        case .unknownAction: "unknown_action"
        case .missingAction, .badChannel, .badChannels, .twoChannelFields, .badFlag, .badCount, .badRecover,
            .recoverOfSeveral, .strictWithoutRecover, .missingData, .badKey, .badToken, .badID, .binary:
            "bad_request"
        }
    }
}
