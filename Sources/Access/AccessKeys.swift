internal import HTTP

/// A set of keys, one of which a request must present.
struct AccessKeys: Sendable {
    enum Verdict { case right, wrong, missing }

    private let keys: [[UInt8]]

    init(_ keys: [String]) {
        self.keys = keys.map { Array($0.utf8) }
    }

    var isEmpty: Bool { keys.isEmpty }

    /// Checks the key in `X-API-Key: KEY`, or else in `Authorization: Bearer KEY`.
    func verdictOnAPIKey(on head: RequestHead) -> Verdict {
        guard let key = head.value(of: "x-api-key") else { return verdict(on: head) }
        return opens(key[...]) ? .right : .wrong
    }

    /// Checks the key in `Authorization: Bearer KEY`.
    func verdict(on head: RequestHead) -> Verdict {
        guard let authorization = head.value(of: "authorization") else { return .missing }
        guard let key = BearerCredentials.token(in: authorization) else { return .wrong }
        return opens(key) ? .right : .wrong
    }

    private func opens(_ key: Substring) -> Bool {
        let given = Array(key.utf8)
        return keys.contains { AccessKeys.isEqual($0, given) }
    }

    /// An empty expected key equals nothing, so no request can present it.
    private static func isEqual(_ expected: [UInt8], _ given: [UInt8]) -> Bool {
        !expected.isEmpty && TextSigner.isEqual(expected, given)
    }
}
