internal import Access
internal import Channels

/// The answers that hold for a while, in two generations: when the younger one is full, the older one is dropped.
///
/// Times are milliseconds on one clock.
struct AnswerCache {
    static let defaultMaxBytes = 4 << 20
    /// The memory of an entry besides its texts.
    private static let entryBytes = 256

    private struct Entry {
        let answer: HookAnswer
        let endMilliseconds: UInt64
    }

    private let maxGenerationBytes: Int
    private var younger: [[UInt8]: Entry] = [:]
    private var older: [[UInt8]: Entry] = [:]
    private var youngerBytes = 0

    init(maxBytes: Int = AnswerCache.defaultMaxBytes) {
        maxGenerationBytes = maxBytes / 2
    }

    /// The answer to a question, if one holds now.
    func answer(to key: [UInt8], at now: UInt64) -> HookAnswer? {
        guard let entry = younger[key] ?? older[key], now < entry.endMilliseconds else { return nil }
        return entry.answer
    }

    /// Keeps an answer for as long as it says.
    mutating func keep(_ answer: HookAnswer, to key: [UInt8], at now: UInt64) {
        guard answer.cacheSeconds > 0 else { return }
        let bytes = AnswerCache.entryBytes + key.count + answer.textBytes
        guard bytes <= maxGenerationBytes else { return }
        if youngerBytes + bytes > maxGenerationBytes {
            older = younger
            (younger, youngerBytes) = ([:], 0)
        }
        younger[key] = Entry(answer: answer, endMilliseconds: now + UInt64(answer.cacheSeconds) * 1000)
        youngerBytes += bytes
    }
}

extension HookAnswer {
    fileprivate var textBytes: Int {
        let patterns = grants.subscribe + grants.publish + grants.presence + grants.history
        return (info?.count ?? 0) + (reason?.utf8.count ?? 0) + (user?.utf8.count ?? 0)
            + channels.reduce(0) { $0 + $1.utf8.count + 16 } + patterns.reduce(0) { $0 + 2 * $1.text.utf8.count + 32 }
    }
}
