/// An upper limit that is enforced, or only counted when it is reached, to see what it would do.
public struct Limit: Equatable, Sendable, ExpressibleByIntegerLiteral, CustomStringConvertible {
    /// What is still allowed.
    public var value: Int
    /// Whether what passes it is refused.
    public var isEnforced: Bool

    /// A limit of `value`.
    public init(_ value: Int, isEnforced: Bool = true) {
        (self.value, self.isEnforced) = (value, isEnforced)
    }

    /// A limit that is enforced.
    public init(integerLiteral value: Int) {
        self.init(value)
    }

    /// As on the command line: `100` or `100:dry`.
    public var description: String { isEnforced ? "\(value)" : "\(value):dry" }
}
