/// The open containers of a scan, innermost last: one bit each, so nesting needs no heap memory.
struct JSONNesting {
    /// The kind of a container.
    enum Container {
        case array, object
    }

    /// The most containers that may be open at once: one bit of `objects` for each.
    static let maxDepth = UInt128.bitWidth

    private(set) var depth = 0
    private var objects: UInt128 = 0

    /// Whether the innermost container is an object.
    var isInObject: Bool {
        objects & 1 == 1
    }

    /// Opens a container; returns false and changes nothing if too many are open.
    mutating func enter(_ container: Container) -> Bool {
        guard depth < Self.maxDepth else { return false }
        depth += 1
        objects = objects << 1 | (container == .object ? 1 : 0)
        return true
    }

    mutating func leave() {
        depth -= 1
        objects >>= 1
    }
}
