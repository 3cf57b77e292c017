internal import Bytes
internal import DequeModule
internal import HTTP
internal import Synchronization
internal import WSLoop

/// The publishes of the last minutes that had an id, so that a repeat delivers nothing.
///
/// Safe on any thread. Of more than the limit the oldest are forgotten.
final class RecentPublishes: Sendable {
    /// What is the same in a repeat.
    struct Key: Hashable, Sendable {
        let target: ByteName
        /// Whether the target is a user, and not a channel.
        let isUser: Bool
        let id: ByteName
    }

    /// What is known of a publish.
    enum Finding: Equatable, Sendable {
        case new
        /// It has no answer yet.
        case pending
        case answered([UInt8])
    }

    /// How long a publish is remembered.
    static let seconds: UInt64 = 300
    /// The most that are remembered, at about 300 bytes each.
    static let defaultLimit = 50_000

    private struct Entry {
        let since: UInt64
        /// The body of the answer; nil while there is none.
        var answer: [UInt8]?
    }

    private struct Content {
        var entries: [Key: Entry] = [:]
        /// In the order of their times; some may have been forgotten.
        var order = Deque<(key: Key, since: UInt64)>()
    }

    private let limit: Int
    private let content = Mutex(Content())

    init(limit: Int = RecentPublishes.defaultLimit) {
        self.limit = limit
    }

    /// Looks for a publish, and notes it if it is new: then `end` must follow.
    func begin(_ key: Key, at now: UInt64 = Loop.monotonicNanoseconds) -> Finding {
        content.withLock { content in
            while let oldest = content.order.first,
                oldest.since + RecentPublishes.seconds * 1_000_000_000 <= now || content.order.count >= limit
            {
                _ = content.order.popFirst()
                if content.entries[oldest.key]?.since == oldest.since { content.entries[oldest.key] = nil }
            }
            if let entry = content.entries[key] { return entry.answer.map { .answered($0) } ?? .pending }
            content.entries[key] = Entry(since: now)
            content.order.append((key, now))
            return .new
        }
    }

    /// Notes the answer to a publish; nil forgets one that was not published, so that it may be repeated.
    func end(_ key: Key, _ answer: [UInt8]?) {
        content.withLock { content in
            if let answer { content.entries[key]?.answer = answer } else { content.entries[key] = nil }
        }
    }
}
