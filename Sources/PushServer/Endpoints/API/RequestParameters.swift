internal import Bytes
internal import HTTP

/// What a request that changes something asks for: parameters of the query, or members of a JSON object in the body.
struct RequestParameters {
    private let head: RequestHead
    private let body: [UInt8]
    private let object: JSONObject?

    /// Refuses names that are not among these, which are probably misspelt.
    init(_ head: RequestHead, _ body: [UInt8], _ names: StaticString...) throws(BadRequest) {
        try head.allowParameters(names)
        (self.head, self.body) = (head, body)
        guard !body.isEmpty else {
            object = nil
            return
        }
        guard let object = try? JSONObject(parsing: body.rawSpan), !object.hasDuplicates else {
            throw BadRequest("the body is not a JSON object with each member once")
        }
        let known = names.map { "\($0)" }
        if let other = object.names.first(where: { !known.contains($0) }) {
            throw BadRequest("'\(HandshakeLog.loggable(other))' is no member here (\(known.joined(separator: ", ")))")
        }
        self.object = object
    }

    /// A text; nil if it is not given.
    func text(_ name: StaticString) throws(BadRequest) -> String? {
        switch try value(name) {
        case .query(let text), .member(.string(let text)): text
        case .none: nil
        case .member: throw BadRequest("\(name) is not a string")
        }
    }

    /// A whole number; nil if it is not given.
    func number(_ name: StaticString) throws(BadRequest) -> Int? {
        let digits: String
        switch try value(name) {
        case .query(let text): digits = text
        case .member(.number(let range)): digits = String(decoding: body[range], as: UTF8.self)
        case .none: return nil
        case .member: throw BadRequest("\(name) is not a number")
        }
        guard let number = Int(digits) else { throw BadRequest("\(name) is not a whole number") }
        return number
    }

    /// Whether a parameter is given, whatever it is.
    func isGiven(_ name: StaticString) throws(BadRequest) -> Bool {
        if case .none = try value(name) { false } else { true }
    }

    /// Whether a parameter is a JSON number, or has only digits in a query.
    func isNumber(_ name: StaticString) throws(BadRequest) -> Bool {
        switch try value(name) {
        case .query(let text): Int(text) != nil
        case .member(.number): true
        case .member, .none: false
        }
    }

    private enum Given {
        case none
        case query(String)
        case member(JSONObject.Value)
    }

    private func value(_ name: StaticString) throws(BadRequest) -> Given {
        let member = object?["\(name)"]
        guard let text = try head.parameter(name) else { return member.map { .member($0) } ?? .none }
        guard member == nil else { throw BadRequest("\(name) is in the query and in the body: one is enough") }
        return .query(text)
    }
}
