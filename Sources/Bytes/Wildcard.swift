/// A pattern in which `*` matches any number of bytes, including none, and every other byte matches itself.
public struct Wildcard: Equatable, Sendable {
    /// The pattern as it was written.
    public let text: String
    private let bytes: [UInt8]

    /// Reads a pattern.
    public init(_ text: String) {
        self.text = text
        bytes = Array(text.utf8)
    }

    /// Whether the pattern has no `*`, so that it matches only its own text.
    public var isLiteral: Bool { !bytes.contains(UInt8(ascii: "*")) }

    /// Whether a text matches; the time is at most proportional to the product of both lengths.
    public func matches(_ text: String) -> Bool {
        unsafe matches(text.utf8.span.bytes)
    }

    /// Whether every text that begins with `prefix` matches.
    public func matchesAll(beginningWith prefix: String) -> Bool {
        bytes.last == UInt8(ascii: "*") && matches(prefix)
    }

    /// Whether a text that begins with `prefix` can match.
    public func matchesAny(beginningWith prefix: String) -> Bool {
        let prefix = Array(prefix.utf8)
        guard let star = bytes.firstIndex(of: UInt8(ascii: "*")) else { return bytes.starts(with: prefix) }
        // The rest of the text is free, and so is what the `*` stands for.
        return bytes[..<star].starts(with: prefix) || prefix.starts(with: bytes[..<star])
    }

    private func matches(_ name: RawSpan) -> Bool {
        var (here, there) = (0, 0)
        // The position of the last `*`, and how far into the name it reaches: backtracking to that one is enough.
        var star: (pattern: Int, name: Int)?
        while there < name.byteCount {
            if here < bytes.count, bytes[here] == UInt8(ascii: "*") {
                star = (here, there)
                here += 1
            } else if here < bytes.count, bytes[here] == name.byte(at: there) {
                here += 1
                there += 1
            } else if let last = star {
                star = (last.pattern, last.name + 1)
                (here, there) = (last.pattern + 1, last.name + 1)
            } else {
                return false
            }
        }
        return bytes[here...].allSatisfy { $0 == UInt8(ascii: "*") }
    }
}
