internal import Bytes
internal import Channels

extension SubscribeOptions {
    /// Reads the options of a subscribe command.
    init(in object: JSONObject, _ text: RawSpan, of channels: [String]) throws(CommandViolation) {
        self.init(
            replace: try object.flag("replace"), isStrict: try object.flag("strict"),
            watchesPresence: try object.flag("presence"))
        let place = try SubscribeOptions.place(in: object, text)
        let last = try object.count("history", text)
        guard place == nil || channels.count == 1 else { throw .recoverOfSeveral }
        guard place != nil || !isStrict else { throw .strictWithoutRecover }
        if place != nil || last != nil { history = HistoryRequest(recover: place, last: last ?? 0) }
    }

    /// `"recover":{"epoch":"e","offset":12}`.
    private static func place(in object: JSONObject, _ text: RawSpan) throws(CommandViolation) -> StreamPosition? {
        guard let range = object.rawRange(of: "recover") else { return nil }
        let part = text.extracting(range)
        guard let place = try? JSONObject(parsing: part), case .string(let epoch) = place["epoch"],
            case .number(let digits) = place["offset"], let digits = part.extracting(digits).text,
            let position = StreamPosition(epoch: epoch, digits: digits)
        else { throw .badRecover }
        return position
    }
}

extension JSONObject {
    /// A member that is true or false; false if it is missing.
    fileprivate func flag(_ name: String) throws(CommandViolation) -> Bool {
        switch self[name] {
        case .none: return false
        case .bool(let value): return value
        default: throw .badFlag(name)
        }
    }

    /// A member that is a number of messages; nil if it is missing.
    func count(_ name: String, _ text: RawSpan) throws(CommandViolation) -> Int? {
        switch self[name] {
        case .none: return nil
        case .number(let range):
            guard let count = text.extracting(range).text.flatMap({ Int($0) }), 0...maxMessages ~= count else {
                throw .badCount(name)
            }
            return count
        default: throw .badCount(name)
        }
    }

    private var maxMessages: Int { HistoryLimits.counts.upperBound }
}
