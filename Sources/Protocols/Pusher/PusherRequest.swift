internal import Bytes

/// A frame from a client.
enum PusherRequest {
    case ping
    case pong
    case subscribe(channel: String, auth: String, channelData: String?)
    case unsubscribe(channel: String)
    case signIn(auth: String, userData: String)
    /// An event for the other clients; `data` is JSON text.
    case event(name: String, channel: String, data: [UInt8]?)

    init(parsing text: RawSpan) throws(PusherViolation) {
        let object: JSONObject
        do throws(JSONViolation) { object = try JSONObject(parsing: text) } catch { throw .badJSON(error.message) }
        guard case .string(let name) = object["event"] else { throw .missingEvent }
        switch name {
        case "pusher:ping": self = .ping
        case "pusher:pong": self = .pong
        case "pusher:subscribe":
            let data = try PusherRequest.data(of: object, text)
            self = .subscribe(
                channel: try PusherRequest.channel(of: data), auth: data.string("auth") ?? "",
                channelData: data.string("channel_data"))
        case "pusher:unsubscribe":
            self = .unsubscribe(channel: try PusherRequest.channel(of: try PusherRequest.data(of: object, text)))
        case "pusher:signin":
            let data = try PusherRequest.data(of: object, text)
            self = .signIn(auth: data.string("auth") ?? "", userData: data.string("user_data") ?? "")
        default:
            guard name.hasPrefix("client-") else { throw .unknownEvent }
            self = .event(
                name: name, channel: try PusherRequest.channel(of: object),
                data: PusherRequest.raw("data", object, text))
        }
    }

    private static func raw(_ name: String, _ object: JSONObject, _ text: RawSpan) -> [UInt8]? {
        guard let range = object.rawRange(of: name) else { return nil }
        var bytes: [UInt8] = []
        bytes.append(text.extracting(range))
        return bytes
    }

    private static func channel(of object: JSONObject) throws(PusherViolation) -> String {
        guard let channel = object.string("channel") else { throw .missingChannel }
        return channel
    }

    /// The data as an object; some clients send it as the text of one.
    private static func data(of object: JSONObject, _ text: RawSpan) throws(PusherViolation) -> JSONObject {
        switch object["data"] {
        case .container(let range):
            guard let data = try? JSONObject(parsing: text.extracting(range)) else { throw .badData }
            return data
        case .string(let inner):
            guard let data = try? JSONObject(parsing: Array(inner.utf8).rawSpan) else { throw .badData }
            return data
        default: throw .badData
        }
    }
}

extension JSONObject {
    /// A member that is a string; nil if it is missing, or something else.
    func string(_ name: String) -> String? {
        if case .string(let text) = self[name] { text } else { nil }
    }
}
