internal import Bytes

/// The end of tokens before they expire: of one, or of those that a user had at some time.
public struct Revocation: Hashable, Sendable {
    /// Which tokens.
    public enum Tokens: Hashable, Sendable {
        /// The one with this mark.
        case marked(TokenMark)
        /// Those of a user that were issued before a time, in seconds of Unix time, or at an unknown one.
        case ofUser(String, issuedBefore: Int)
    }

    /// The longest time for which tokens are refused, in seconds, where their longest life is not known.
    public static let longestSeconds = 30 * 86_400

    /// Which tokens.
    public let tokens: Tokens
    /// When the last of them has expired, in seconds of Unix time.
    public let end: Int

    /// Revokes tokens until they have expired.
    public init(_ tokens: Tokens, until end: Int) {
        (self.tokens, self.end) = (tokens, end)
    }

    /// Whether it is about the token of a client.
    public func concerns(_ identity: Identity) -> Bool {
        switch tokens {
        case .marked(let mark): identity.mark == mark
        case .ofUser(let user, let time):
            identity.isNamed && identity.names(user) && (identity.issuedAt ?? 0) < time
        }
    }
}

// As JSON, for other nodes.
extension Revocation {
    /// `{"token":"9f3c2a71b0d4e8c1","until":1800000000}`, or with `user` and `issued_before`.
    public var json: [UInt8] {
        var text = JSONObjectWriter()
        switch tokens {
        case .marked(let mark): text.member("token", mark.description)
        case .ofUser(let user, let time):
            text.member("user", user)
            text.member("issued_before", time)
        }
        text.member("until", end)
        return text.finish()
    }

    /// Reads what `json` wrote; nil for anything else.
    public init?(parsing text: [UInt8]) {
        guard let object = try? JSONObject(parsing: text.rawSpan) else { return nil }
        func number(_ name: String) -> Int? {
            guard case .number(let range) = object[name] else { return nil }
            return Int(String(decoding: text[range], as: UTF8.self))
        }
        guard let end = number("until") else { return nil }
        if case .string(let mark) = object["token"] {
            guard let mark = TokenMark(mark) else { return nil }
            self.init(.marked(mark), until: end)
        } else {
            guard case .string(let user) = object["user"], let time = number("issued_before") else { return nil }
            self.init(.ofUser(user, issuedBefore: time), until: end)
        }
    }
}
