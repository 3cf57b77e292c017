internal import Bytes
internal import Channels

extension Grants {
    /// Why a JSON text is not a list of grants.
    public enum Violation: Error, Equatable, Sendable {
        /// It is not an object.
        case notAnObject
        /// A member is not the name of a right, or is there twice.
        case unknown(member: String)
        /// A right is not a list of patterns.
        case noPatterns(member: String)

        /// The reason in words that follow the name of the whole.
        public var message: String {
            switch self {
            case .notAnObject: "is not an object"
            case .unknown(let member): "has a member '\(member)'; subscribe, publish, presence and history are possible"
            case .noPatterns(let member): "has a '\(member)' that is not a list of patterns of channel names"
            }
        }
    }

    /// Reads `{"subscribe":["news","orders.*"],"publish":[…],"presence":[…],"history":[…]}`, each of them optional.
    public init(parsing text: RawSpan) throws(Violation) {
        guard let object = try? JSONObject(parsing: text) else { throw .notAnObject }
        self.init()
        var rest = Set(object.names)
        for name in object.names {
            guard rest.remove(name) != nil else { throw .unknown(member: name) }
            let patterns = try Grants.patterns(in: object, name, text)
            switch name {
            case "subscribe": subscribe = patterns
            case "publish": publish = patterns
            case "presence": presence = patterns
            case "history": history = patterns
            default: throw .unknown(member: name)
            }
        }
    }

    private static func patterns(
        in object: JSONObject, _ name: String, _ text: RawSpan
    ) throws(Violation) -> [ChannelPattern] {
        guard let range = object.rawRange(of: name), let texts = JSON.strings(text.extracting(range)) else {
            throw .noPatterns(member: name)
        }
        let patterns = texts.compactMap(ChannelPattern.init)
        guard patterns.count == texts.count else { throw .noPatterns(member: name) }
        return patterns
    }
}
