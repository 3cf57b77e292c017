import Testing

@testable import Hooks

@Suite final class EventQueueTests {
    private var queue = EventQueue()
    private var generator = SystemRandomNumberGenerator()

    private func add(_ texts: String...) {
        for text in texts { #expect(hasRoom(for: Array(text.utf8))) }
    }

    private func hasRoom(for event: [UInt8]) -> Bool { queue.add(event) }
    @discardableResult private func taken() -> Int { queue.taken() }

    private func begin(at now: UInt64 = 0) -> String? {
        queue.beginBatch(at: now).map { String(decoding: $0, as: UTF8.self) }
    }

    @Test func eventsAreSentInOrderInBatchesOneAtATime() {
        #expect(begin() == nil)
        add("1")
        #expect(begin() == "[1]")
        add("2", "3")
        #expect(begin() == nil)
        #expect(taken() == 1)
        #expect(begin() == "[2,3]")
        #expect(taken() == 2)
        #expect(queue.count == 0 && queue.bytes == 0)
        #expect(begin() == nil)
    }

    @Test func aBatchStaysTheSameUntilItIsTaken() {
        add("1")
        #expect(begin() == "[1]")
        add("2")
        queue.failed(at: 1000, using: &generator)
        #expect(begin(at: 1000) == nil)
        #expect(begin(at: 1500) == "[1]")
        taken()
        #expect(begin(at: 1500) == "[2]")
    }

    @Test func theWaitGrowsAndHasALimit() {
        add("1")
        var (now, longest) = (UInt64(0), UInt64(0))
        for _ in 0..<200 {
            #expect(begin(at: now) == "[1]")
            queue.failed(at: now, using: &generator)
            let failed = now
            while begin(at: now) == nil { now += 100 }
            queue.failed(at: now, using: &generator)
            longest = max(longest, now - failed)
            now += 30_000
        }
        #expect((2000...30_100).contains(longest))
        #expect(begin(at: now) == "[1]")
        taken()
        add("2")
        #expect(begin(at: now) == "[2]")
        queue.failed(at: now, using: &generator)
        #expect(begin(at: now + 500) == "[2]")
    }

    @Test func aBatchHasALimitOfBytesAndEvents() throws {
        let large = String(repeating: "1", count: EventQueue.maxBatchBytes / 2)
        add(large, "2", large, String(repeating: "3", count: EventQueue.maxBatchBytes), "4")
        #expect(begin() == "[\(large),2]")
        taken()
        #expect(begin() == "[\(large)]")
        taken()
        // What does not fit into any batch is one by itself.
        #expect(try #require(begin()).utf8.count == EventQueue.maxBatchBytes + 2)
        taken()
        for _ in 0..<EventQueue.maxBatchCount { add("5") }
        #expect(try #require(begin()).hasPrefix("[4,5"))
        #expect(taken() == EventQueue.maxBatchCount)
        #expect(queue.count == 1)
    }

    @Test func whatHasNoRoomIsRefused() {
        let large = [UInt8](repeating: 1, count: EventQueue.maxBytes - 1)
        #expect(hasRoom(for: large))
        #expect(!hasRoom(for: [1, 2]))
        #expect(hasRoom(for: [1]))
        #expect(queue.bytes == EventQueue.maxBytes)
        _ = begin()
        taken()
        #expect(queue.bytes == 1)
        for _ in 1..<EventQueue.maxCount { #expect(hasRoom(for: [])) }
        #expect(!hasRoom(for: []))
    }
}
