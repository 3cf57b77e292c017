internal import Bytes

/// Whether the other nodes know of an order.
enum Telling: Sendable, Equatable {
    /// The broker has taken it.
    case told
    /// They will be told as soon as the broker takes it; the reason is the broker's.
    case queued(reason: String)
    /// They are not told.
    case failed(reason: String)
}

/// The answer to a call, or a part of it: entries in the byte order of their names, without a hole up to `end`.
///
/// Its size has a limit, however much there is to list.
struct Listing: Sendable {
    struct Entry: Sendable, Equatable {
        let name: String
        var count = 1
        /// A JSON text about it.
        var text: [UInt8] = []

        fileprivate var bytes: Int { name.utf8.count + text.count + 16 }
    }

    /// The most bytes of all entries.
    static let maxBytes = 262_144

    private(set) var entries: [Entry] = []
    /// Whether the other nodes know; nil if they need not, or that is not known yet.
    var telling: Telling?
    /// The last name up to which the list is complete; nil if it is complete to its end.
    private(set) var end: String?
    private let page: ListPage
    private var bytes = 0

    /// An empty list.
    init(_ page: ListPage = ListPage()) {
        self.page = page
    }

    /// The sum of all counts.
    var count: Int { entries.reduce(0) { $0 + $1.count } }

    /// Whether an entry with this name would be listed.
    func accepts(_ name: String) -> Bool {
        guard Listing.precedes(page.after, name) else { return false }
        guard let end else { return true }
        return !Listing.precedes(end, name)
    }

    /// Counts connections that were concerned, without a name for each.
    mutating func addConcerned(_ count: Int) {
        if count > 0 { add(Entry(name: "concerned", count: count)) }
    }

    /// Adds an entry; one with the same name as another is counted there.
    mutating func add(_ entry: Entry) {
        guard accepts(entry.name) else { return }
        let index = firstIndex(notBefore: entry.name)
        if index < entries.count, entries[index].name.utf8.elementsEqual(entry.name.utf8) {
            entries[index].count += entry.count
        } else {
            entries.insert(entry, at: index)
            bytes += entry.bytes
            while entries.count > page.limit || bytes > Listing.maxBytes && entries.count > 1 { removeLast() }
        }
    }

    /// Adds the answer of another loop to the same call.
    mutating func merge(_ other: Listing) {
        telling = other.telling ?? telling
        if let otherEnd = other.end, accepts(otherEnd) {
            end = otherEnd
            while let last = entries.last, !accepts(last.name) {
                entries.removeLast()
                bytes -= last.bytes
            }
        }
        for entry in other.entries { add(entry) }
    }

    private mutating func removeLast() {
        bytes -= entries.removeLast().bytes
        end = entries.last?.name
    }

    private func firstIndex(notBefore name: String) -> Int {
        var (low, high) = (0, entries.count)
        while low < high {
            let middle = (low + high) / 2
            if Listing.precedes(entries[middle].name, name) { low = middle + 1 } else { high = middle }
        }
        return low
    }

    private static func precedes(_ first: String, _ second: String) -> Bool {
        first.utf8.lexicographicallyPrecedes(second.utf8)
    }
}
