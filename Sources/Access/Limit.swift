/// An upper limit that is either enforced or only counted when reached, to see its effect.
public struct Limit: Equatable, Sendable, ExpressibleByIntegerLiteral, CustomStringConvertible {
    /// The largest allowed value.
    public var value: Int
    /// Whether a higher value is refused.
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
