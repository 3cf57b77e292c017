internal import Bytes
internal import Channels

/// What a client asks for in a text frame: one JSON object (docs/protocol.md).
enum ClientCommand: Equatable {
    case ping
    case subscribe([String], replace: Bool)
    case unsubscribe([String])
    case publish(channel: String, data: [UInt8], key: String?)
}

/// Why a text frame is no command; each is told to the client, and the connection stays open.
enum CommandViolation: Error, Equatable {
    case badJSON(String)
    case missingAction
    case unknownAction
    case badChannel
    case badChannels
    case twoChannelFields
    case badReplace
    case missingData
    case badKey
    case badID

    var message: String {
        switch self {
        case .badJSON(let what): "bad JSON: \(what)"
        case .missingAction: "the field action is missing or not a string"
        case .unknownAction: "unknown action; known are ping, subscribe, unsubscribe and publish"
        case .badChannel: "the field channel must be a string of 1 to 255 bytes without control characters"
        case .badChannels:
            "the field channels must be a list of one string or more, each of 1 to 255 bytes without control characters"
        case .twoChannelFields: "a command has either the field channel or the field channels"
        case .badReplace: "the field replace must be true or false"
        case .missingData: "the field data is missing"
        case .badKey: "the field key must be a string of 1 to 255 bytes without control characters"
        case .badID: "the field id must be a string or a number of at most 255 bytes"
        }
    }
}

/// A command, or what is wrong with it, and the id that its reply carries.
struct ClientRequest {
    /// The id as JSON text; empty if there is none.
    let id: [UInt8]
    let command: Result<ClientCommand, CommandViolation>

    private static let maxIDBytes = 255

    init(parsing text: RawSpan) {
        do throws(JSONViolation) {
            let object = try JSONObject(parsing: text)
            do throws(CommandViolation) {
                id = try ClientRequest.id(in: object, text)
            } catch {
                id = []
                command = .failure(error)
                return
            }
            do throws(CommandViolation) {
                command = .success(try ClientRequest.command(in: object, text))
            } catch {
                command = .failure(error)
            }
        } catch {
            id = []
            command = .failure(.badJSON(error.message))
        }
    }

    private static func id(in object: JSONObject, _ text: RawSpan) throws(CommandViolation) -> [UInt8] {
        switch object["id"] {
        case .none: return []
        case .string, .number:
            guard let range = object.rawRange(of: "id"), range.count <= maxIDBytes else { throw .badID }
            return copy(range, of: text)
        default: throw .badID
        }
    }

    private static func command(
        in object: JSONObject, _ text: RawSpan
    ) throws(CommandViolation) -> ClientCommand {
        guard case .string(let action) = object["action"] else { throw .missingAction }
        switch action {
        case "ping":
            return .ping
        case "subscribe":
            return .subscribe(try channels(in: object, text), replace: try replace(in: object))
        case "unsubscribe":
            return .unsubscribe(try channels(in: object, text))
        case "publish":
            let channel = try channel(in: object)
            guard let data = object.rawRange(of: "data") else { throw .missingData }
            return .publish(channel: channel, data: copy(data, of: text), key: try key(in: object))
        default:
            throw .unknownAction
        }
    }

    private static func channel(in object: JSONObject) throws(CommandViolation) -> String {
        guard case .string(let name) = object["channel"], ChannelName.isValid(name) else { throw .badChannel }
        return name
    }

    /// The names of `"channel":"a"` or `"channels":["a","b"]`.
    private static func channels(in object: JSONObject, _ text: RawSpan) throws(CommandViolation) -> [String] {
        guard let list = object.rawRange(of: "channels") else { return [try channel(in: object)] }
        guard object["channel"] == nil else { throw .twoChannelFields }
        guard let names = JSON.strings(text.extracting(list)), !names.isEmpty,
            names.allSatisfy({ ChannelName.isValid($0) })
        else { throw .badChannels }
        return names
    }

    private static func key(in object: JSONObject) throws(CommandViolation) -> String? {
        switch object["key"] {
        case .none: return nil
        case .string(let key) where ChannelName.isValid(key): return key
        default: throw .badKey
        }
    }

    private static func replace(in object: JSONObject) throws(CommandViolation) -> Bool {
        switch object["replace"] {
        case .none: return false
        case .bool(let value): return value
        default: throw .badReplace
        }
    }

    private static func copy(_ range: Range<Int>, of text: RawSpan) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.append(text.extracting(range))
        return bytes
    }
}

/// The replies of the WebSocket protocol.
enum ServerReply {
    static func pong(id: [UInt8]) -> [UInt8] {
        object(["action": "pong"], id)
    }

    static func status(_ status: String, channel: String, id: [UInt8]) -> [UInt8] {
        object(["status": status, "channel": channel], id)
    }

    static func error(_ message: String, id: [UInt8] = []) -> [UInt8] {
        object(["error": message], id)
    }

    /// An error that is about one channel, perhaps of several that a command names.
    static func error(_ message: String, channel: String, id: [UInt8]) -> [UInt8] {
        object(["error": message, "channel": channel], id)
    }

    private static func object(_ members: KeyValuePairs<String, String>, _ id: [UInt8]) -> [UInt8] {
        var text = JSONObjectWriter()
        for (name, value) in members { text.member(name, value) }
        if !id.isEmpty { text.member("id", raw: id) }
        return text.finish()
    }
}
