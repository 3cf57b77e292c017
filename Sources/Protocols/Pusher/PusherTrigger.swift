internal import Bytes

/// An event that an application server publishes.
public struct PusherTrigger: Equatable, Sendable {
    static let maxChannels = 100
    static let maxBatch = 10

    /// Where it goes.
    public let channels: [String]
    /// The payload of the message.
    public let payload: [UInt8]
    /// What the answer says of the channels.
    public let info: PusherInfo

    /// Reads the body of `/events`.
    public init(event body: [UInt8]) throws(PusherAPIViolation) {
        let fields = try Fields(body)
        let channels = try fields.channels()
        try self.init(fields, channels)
    }

    /// Reads the body of `/users/ID/events`, for the channel of the user.
    public init(event body: [UInt8], toUser user: String) throws(PusherAPIViolation) {
        try self.init(try Fields(body), [PusherChannel.ofUser(user)])
    }

    /// Reads the body of `/batch_events`.
    public static func batch(_ body: [UInt8]) throws(PusherAPIViolation) -> [PusherTrigger] {
        let fields = try Fields(body)
        guard let list = fields.raw("batch"), let events = JSON.elements(list.rawSpan) else {
            throw .badBody("the body has a list of events as batch")
        }
        guard events.count <= maxBatch else { throw .badBody("a batch has at most \(maxBatch) events") }
        var triggers: [PusherTrigger] = []
        for event in events {
            let fields = try Fields(Array(list[event]))
            triggers.append(try PusherTrigger(fields, [try fields.channel()]))
        }
        return triggers
    }

    private init(_ fields: Fields, _ channels: [String]) throws(PusherAPIViolation) {
        guard let name = fields.string("name"), PusherEvent.isValid(name) else {
            throw .badBody(
                "name is the event's, of 1 to \(PusherEvent.maxNameBytes) bytes and without pusher: at its front")
        }
        guard fields.string("data") != nil, let data = fields.raw("data") else {
            throw .badBody("data is a string; what is not one is written as JSON in it")
        }
        let socket = fields.string("socket_id")
        if let socket, !SocketID.isValid(socket) { throw .badBody("socket_id has the form 123.456") }
        self.channels = channels
        payload = PusherEvent.payload(name, data: data, excluding: socket)
        info = try PusherInfo(fields.string("info"))
    }
}

/// What an application server asks of channels: attributes with commas between them.
public struct PusherInfo: Equatable, Sendable {
    /// The number of users in a presence channel.
    public let userCount: Bool
    /// The number of subscriptions.
    public let subscriptionCount: Bool

    /// Whether nothing is asked.
    public var isEmpty: Bool { !userCount && !subscriptionCount }

    /// Reads `info`.
    public init(_ text: String?) throws(PusherAPIViolation) {
        let names = (text ?? "").split(separator: ",")
        for name in names where name != "user_count" && name != "subscription_count" {
            throw .badBody("info has user_count and subscription_count, with a comma between them")
        }
        userCount = names.contains("user_count")
        subscriptionCount = names.contains("subscription_count")
    }
}

/// The members of a body.
private struct Fields {
    private let body: [UInt8]
    private let object: JSONObject

    init(_ body: [UInt8]) throws(PusherAPIViolation) {
        guard let object = try? JSONObject(parsing: body.rawSpan), !object.hasDuplicates else {
            throw .badBody("the body is not a JSON object with each member once")
        }
        (self.body, self.object) = (body, object)
    }

    func string(_ name: String) -> String? { object.string(name) }

    func raw(_ name: String) -> [UInt8]? { object.rawRange(of: name).map { Array(body[$0]) } }

    func channel() throws(PusherAPIViolation) -> String {
        guard let channel = string("channel"), PusherChannel.isValid(channel) else {
            throw .badBody("channel is missing, or none: \(PusherViolation.badChannel.message)")
        }
        return channel
    }

    func channels() throws(PusherAPIViolation) -> [String] {
        guard let list = raw("channels") else { return [try channel()] }
        guard let channels = JSON.strings(list.rawSpan), 1...PusherTrigger.maxChannels ~= channels.count,
            channels.allSatisfy({ PusherChannel.isValid($0) })
        else {
            throw .badBody("channels is a list of 1 to \(PusherTrigger.maxChannels) names of channels")
        }
        return channels
    }
}
