internal import Bytes
internal import Channels

/// The messages of a request with many: a JSON object in each line.
struct PublishLines {
    /// A message for one channel or for several.
    struct Line: Equatable, Sendable {
        let channels: [String]
        /// Whether the channels were given as a list.
        let isList: Bool
        let payload: [UInt8]
        let key: String?
    }

    /// The most publications, counting each channel of each line: they are made in one turn of the loop.
    static let maxPublications = 1000

    /// What each line says, or why it cannot be published.
    let lines: [Result<Line, BadRequest>]

    /// Reads lines; empty ones are skipped.
    init(parsing text: [UInt8]) throws(BadRequest) {
        var lines: [Result<Line, BadRequest>] = []
        var publications = 0
        for line in text.split(separator: UInt8(ascii: "\n")) where line.contains(where: { $0 > 0x20 }) {
            let read = PublishLines.read(Array(line))
            publications += (try? read.get().channels.count) ?? 1
            guard publications <= PublishLines.maxPublications else {
                throw BadRequest("a request publishes at most \(PublishLines.maxPublications) times")
            }
            lines.append(read)
        }
        guard !lines.isEmpty else {
            throw BadRequest("the body has a JSON object in each line, such as {\"channel\":\"news\",\"data\":1}")
        }
        self.lines = lines
    }

    private static func read(_ text: [UInt8]) -> Result<Line, BadRequest> {
        do throws(BadRequest) {
            guard let object = try? JSONObject(parsing: text.rawSpan), !object.hasDuplicates else {
                throw BadRequest("the line is not a JSON object with each member once")
            }
            if let other = object.names.first(where: { !names.contains($0) }) {
                throw BadRequest(
                    "'\(HandshakeLog.loggable(other))' is no member here (\(names.joined(separator: ", ")))")
            }
            let (channels, isList) = try channels(of: object, text)
            return .success(
                Line(
                    channels: channels, isList: isList, payload: try payload(of: object, text), key: try key(of: object)
                ))
        } catch {
            return .failure(error)
        }
    }

    private static let names = ["channel", "channels", "data", "key"]

    private static func channels(of object: JSONObject, _ text: [UInt8]) throws(BadRequest) -> ([String], Bool) {
        let list = object.rawRange(of: "channels").map { JSON.strings(text.rawSpan.extracting($0)) ?? [] }
        let channels: [String]
        switch (object["channel"], list) {
        case (.string(let name)?, nil): channels = [name]
        case (nil, let names?) where !names.isEmpty: channels = names
        default: throw BadRequest("the line has either channel, a string, or channels, a list of strings")
        }
        for channel in channels {
            if let problem = ChannelName.problem(with: channel) { throw BadRequest("a channel's name \(problem)") }
        }
        return (channels, list != nil)
    }

    /// The text of `data`, as in a client's publish command.
    private static func payload(of object: JSONObject, _ text: [UInt8]) throws(BadRequest) -> [UInt8] {
        guard let range = object.rawRange(of: "data") else { throw BadRequest("the line has no data") }
        return Array(text[range])
    }

    private static func key(of object: JSONObject) throws(BadRequest) -> String? {
        switch object["key"] {
        case nil: return nil
        case .string(let key)? where ChannelName.isValid(key): return key
        default: throw BadRequest("key is not a string of 1 to 255 bytes without control characters")
        }
    }
}
