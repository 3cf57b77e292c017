internal import Bytes
internal import Channels

/// A command, or its error, and the id for the reply.
struct ClientRequest {
    /// The id as JSON text; empty if there is none.
    let id: [UInt8]
    let command: Result<ClientCommand, CommandViolation>

    private static let maxIDBytes = 255
    private static let defaultHistoryLimit = 100

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
            let channels = try channels(in: object, text)
            return .subscribe(channels, try SubscribeOptions(in: object, text, of: channels))
        case "unsubscribe":
            return .unsubscribe(try channels(in: object, text))
        case "publish":
            let channel = try channel(in: object)
            guard let data = object.rawRange(of: "data") else { throw .missingData }
            return .publish(channel: channel, data: copy(data, of: text), key: try key(in: object))
        case "history":
            return .history(
                channel: try channel(in: object), last: try object.count("limit", text) ?? defaultHistoryLimit)
        case "presence":
            return .presence(channel: try channel(in: object))
        case "refresh":
            guard case .string(let token) = object["token"] else { throw .badToken }
            return .refresh(token: token)
        default:
            throw .unknownAction
        }
    }

    private static func channel(in object: JSONObject) throws(CommandViolation) -> String {
        guard case .string(let name) = object["channel"], ChannelName.isValid(name) else { throw .badChannel }
        return name
    }

    /// The names in `"channel":"a"` or `"channels":["a","b"]`.
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

    private static func copy(_ range: Range<Int>, of text: RawSpan) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.append(text.extracting(range))
        return bytes
    }
}
