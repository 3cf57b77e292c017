internal import Bytes

/// A path, such as `/push`, below which the server also answers.
public struct PathPrefix: Equatable, Sendable, CustomStringConvertible {
    /// The prefix as in `/push`, without a trailing slash.
    public let description: String

    /// Reads `/push`, `/push/` or `/some/where`; nil unless it is a path of letters, digits and the signs `-._~`.
    public init?(_ text: String) {
        let path = text.hasSuffix("/") ? text.dropLast() : text[...]
        let segments = path.split(separator: "/", omittingEmptySubsequences: false)
        guard segments.count > 1, segments[0].isEmpty,
            segments.dropFirst().allSatisfy({ segment in
                !segment.isEmpty && segment != "." && segment != ".." && segment.utf8.allSatisfy(PathPrefix.isPlain)
            })
        else { return nil }
        description = String(path)
    }

    /// The last segment with a slash: a relative reference that leads from the prefix to the root below it.
    public var directory: String {
        description.split(separator: "/").last.map { "\($0)/" } ?? ""
    }

    /// Bytes that can be spelled in one way only, and so need no decoding (RFC 3986 section 2.3).
    private static func isPlain(_ byte: UInt8) -> Bool {
        byte.isDigit || (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20) || "-._~".utf8.contains(byte)
    }
}

extension RequestHead {
    /// The same request with its path relative to `prefix`; nil if the path is not below it.
    public func below(_ prefix: PathPrefix) -> RequestHead? {
        let path = line.path.bounds
        let end = path.lowerBound + prefix.description.utf8.count
        guard end <= path.upperBound, bytes[path.lowerBound..<end].elementsEqual(prefix.description.utf8),
            end == path.upperBound || bytes[end] == ASCII.slash
        else { return nil }
        return RequestHead(bytes: bytes, line: line.withPath(end..<path.upperBound), fields: fields)
    }

    /// Whether the path is empty, as in `http://host` or for the prefix itself.
    public var hasEmptyPath: Bool { line.path.bounds.isEmpty }

    /// The text after the `?`, as it was sent; nil without a `?`.
    public var query: String? { line.query.map(string) }
}
