/// A place in a text: a line and a column, from 1.
public struct YAMLPosition: Equatable, Comparable, Sendable, CustomStringConvertible {
    /// The line.
    public let line: Int
    /// The column, in characters.
    public let column: Int

    /// Makes a place.
    public init(line: Int, column: Int) {
        (self.line, self.column) = (line, column)
    }

    /// As in `3:10`.
    public var description: String { "\(line):\(column)" }

    /// Whether a place comes before another.
    public static func < (left: YAMLPosition, right: YAMLPosition) -> Bool {
        (left.line, left.column) < (right.line, right.column)
    }
}

/// A value in a document, and where it begins.
public struct YAMLNode: Equatable, Sendable {
    /// What a value is.
    public enum Content: Equatable, Sendable {
        /// A text; `isPlain` if it has no quotes.
        case text(String, isPlain: Bool)
        /// A list.
        case list([YAMLNode])
        /// Keys and their values as they are written: a key may come twice.
        case mapping([Member])
    }

    /// A key and its value.
    public struct Member: Equatable, Sendable {
        /// The key.
        public let key: String
        /// Where the key begins.
        public let position: YAMLPosition
        /// The value.
        public let value: YAMLNode
    }

    /// Where it begins.
    public let position: YAMLPosition
    /// What it is.
    public let content: Content

    /// Whether it is a value that was left out, `~` or `null`.
    public var isNull: Bool {
        guard case .text(let text, isPlain: true) = content else { return false }
        return ["", "~", "null", "Null", "NULL"].contains(text)
    }
}

/// What is wrong with a text, and where.
public struct YAMLViolation: Error, Equatable, Sendable {
    /// Where it is.
    public let position: YAMLPosition
    /// The problem and what to do, for people.
    public let message: String
}
