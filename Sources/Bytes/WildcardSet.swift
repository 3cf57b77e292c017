/// Wildcards, and which of them a name belongs to.
///
/// A wildcard is a name that ends with `*` and stands for all names that begin with what is before it. So of two
/// wildcards one includes the other, or no name belongs to both. A search costs a lookup for each length of a wildcard,
/// and nothing if there are none.
public struct WildcardSet: Sendable {
    private var names: Set<ByteName> = []
    /// How many wildcards have so many bytes before the `*`, by that length.
    private var counts: [(length: Int, count: Int)] = []

    /// No wildcards.
    public init() {}

    /// Whether there are none.
    public var isEmpty: Bool { counts.isEmpty }

    /// Adds a wildcard, unless it is there.
    public mutating func insert(_ wildcard: String) {
        guard names.insert(ByteName(wildcard)).inserted else { return }
        let length = wildcard.utf8.count - 1
        if let index = counts.firstIndex(where: { $0.length == length }) { return counts[index].count += 1 }
        counts.insert((length, 1), at: counts.firstIndex { $0.length > length } ?? counts.endIndex)
    }

    /// Removes a wildcard, if it is there.
    public mutating func remove(_ wildcard: String) {
        guard names.remove(ByteName(wildcard)) != nil else { return }
        let length = wildcard.utf8.count - 1
        guard let index = counts.firstIndex(where: { $0.length == length }) else { return }
        counts[index].count -= 1
        if counts[index].count == 0 { counts.remove(at: index) }
    }

    /// Whether a name is one of the wildcards.
    public func contains(_ name: String) -> Bool { names.contains(ByteName(name)) }

    /// The wildcards that a name belongs to, the shortest first; never the name itself.
    public func matches(_ name: String) -> [ByteName] {
        var found: [ByteName] = []
        for (length, _) in counts where length <= name.utf8.count {
            guard let prefix = String(name.utf8.prefix(length)) else { continue }  // it ends inside of a character
            let wildcard = ByteName(prefix + "*")
            if names.contains(wildcard), wildcard != ByteName(name) { found.append(wildcard) }
        }
        return found
    }
}

extension String {
    /// Whether this is a wildcard: a name that ends with `*`.
    public var isWildcard: Bool {
        let bytes = utf8.span  // `utf8.last` takes twice the time, and this is asked about each channel of a client
        return !bytes.isEmpty && bytes[bytes.count - 1] == UInt8(ascii: "*")
    }

    /// What the names of a wildcard begin with; nil if this is none.
    public var wildcardPrefix: String? { isWildcard ? String(utf8.dropLast()) : nil }
}
