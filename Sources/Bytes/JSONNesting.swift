/// The containers a scan is in, innermost last: one bit for each, so that depth costs no memory.
struct JSONNesting {
    /// What a container is.
    enum Container {
        case array, object
    }

    /// How many containers may be open at once: the bits there are.
    static let maxDepth = UInt128.bitWidth

    private(set) var depth = 0
    private var objects: UInt128 = 0

    /// Whether the innermost container is an object.
    var isInObject: Bool {
        objects & 1 == 1
    }

    /// Opens a container; false, and nothing changes, when there are too many.
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
