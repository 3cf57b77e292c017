internal import HTTP

/// Who may publish over HTTP.
struct PublishPolicy: Sendable {
    enum Verdict: Equatable {
        case allowed
        case wrongKey
        case keyNeeded
        case onlyLocal
    }

    private let keys: [String]

    /// Empty keys are none: an Authorization that is no bearer's would fit them.
    init(keys: [String]) {
        self.keys = keys.filter { !$0.isEmpty }
    }

    /// Judges a request; `isLocal`: it came over loopback or a unix socket, where no key is needed.
    func verdict(on head: RequestHead, isLocal: Bool) -> Verdict {
        if let authorization = head.value(of: "authorization"), !keys.isEmpty {
            let given = PublishPolicy.bearer(authorization)
            return keys.contains { PublishPolicy.isEqual($0, given) } ? .allowed : .wrongKey
        }
        if isLocal { return .allowed }
        return keys.isEmpty ? .onlyLocal : .keyNeeded
    }

    /// The key of `Bearer KEY`, whose first word may be in any case (RFC 9110 section 11.1); else empty.
    private static func bearer(_ authorization: String) -> String {
        let words = authorization.split(separator: " ", maxSplits: 1)
        guard words.count == 2, words[0].lowercased() == "bearer" else { return "" }
        return String(words[1])
    }

    /// Compares in a time that depends on the lengths only, so that a key cannot be guessed byte by byte.
    private static func isEqual(_ expected: String, _ given: String) -> Bool {
        let expected = Array(expected.utf8)
        let given = Array(given.utf8)
        var difference: UInt8 = expected.count == given.count ? 0 : 1
        for index in given.indices { difference |= given[index] ^ expected[index % expected.count] }
        return difference == 0
    }
}
