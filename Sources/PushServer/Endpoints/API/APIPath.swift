internal import Bytes
internal import HTTP

/// The path of an endpoint, such as `/v1/channels/*`, where `*` stands for one segment that is not empty.
struct APIPath {
    private let segments: [Substring]

    init(_ template: String) {
        segments = template.split(separator: "/", omittingEmptySubsequences: false)
    }

    /// Whether a request is for this path.
    func matches(_ head: RequestHead) -> Bool { argument(of: head.path) != nil }

    /// What stands for `*` in the request's path, decoded; a `/` in it is written as `%2F`.
    func argument(of head: RequestHead) throws(BadRequest) -> String {
        guard let raw = argument(of: head.path), let bytes = PercentEncoding.decode(Array(raw.utf8)[...]) else {
            throw BadRequest("the path is not percent-encoded")
        }
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw BadRequest("the path is not UTF-8 once it is decoded")
        }
        return text
    }

    /// Nil if the path does not match.
    private func argument(of path: String) -> Substring? {
        let parts = path.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == segments.count else { return nil }
        var argument: Substring = ""
        for (part, segment) in zip(parts, segments) {
            if segment == "*", !part.isEmpty { argument = part } else if part != segment { return nil }
        }
        return argument
    }
}
