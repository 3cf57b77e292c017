/// A pattern in which `*` stands for any bytes, also none, and every other byte for itself.
public struct Wildcard: Equatable, Sendable {
    /// The pattern as it was written.
    public let text: String
    private let bytes: [UInt8]

    /// Reads a pattern.
    public init(_ text: String) {
        self.text = text
        bytes = Array(text.utf8)
    }

    /// Whether a text matches; takes at most the product of both lengths.
    public func matches(_ text: String) -> Bool {
        let name = Array(text.utf8)
        var (here, there) = (0, 0)
        // Where the last `*` was, and how much of the name it stands for so far: only that one need ever grow.
        var star: (pattern: Int, name: Int)?
        while there < name.count {
            if here < bytes.count, bytes[here] == UInt8(ascii: "*") {
                star = (here, there)
                here += 1
            } else if here < bytes.count, bytes[here] == name[there] {
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
