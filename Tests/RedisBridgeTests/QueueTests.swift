import TestSupport
import Testing

@testable import RedisBridge

struct QueueTests {
    @Test func fifoKeepsOrderThroughManyRounds() {
        var queue = FIFO<Int>()
        var model: [Int] = []
        var random = SeededGenerator(seed: 3)
        for step in 0..<20_000 {
            if Int.random(in: 0..<5, using: &random) < 3 - step / 10_000 {
                queue.append(step)
                model.append(step)
            } else {
                #expect(queue.popFirst() == (model.isEmpty ? nil : model.removeFirst()))
            }
            #expect(queue.first == model.first)
            #expect(queue.count == model.count)
        }
        #expect(Array(queue.takeAll()) == model)
        #expect(queue.isEmpty)
        #expect(queue.popFirst() == nil)
    }

    @Test func publishesAreBoundedByBytes() {
        var pending = PendingPublishes()
        let half = PendingPublishes.maximumBytes / 2
        #expect(pending.hasRoom(forBytes: 2 * half))
        #expect(!pending.hasRoom(forBytes: 2 * half + 1))
        pending.append(byteCount: half) { _ in }
        #expect(pending.hasRoom(forBytes: half))
        #expect(!pending.hasRoom(forBytes: half + 1))
        #expect(pending.popFirst() != nil)
        #expect(pending.hasRoom(forBytes: 2 * half))
    }

    @Test func publishesAreBoundedByCount() {
        var pending = PendingPublishes()
        for _ in 0..<PendingPublishes.maximumCount {
            #expect(pending.hasRoom(forBytes: 0))
            pending.append(byteCount: 0) { _ in }
        }
        #expect(!pending.hasRoom(forBytes: 0))
        #expect(pending.takeAll().count == PendingPublishes.maximumCount)
        #expect(pending.hasRoom(forBytes: PendingPublishes.maximumBytes))
    }

    @Test func repliesAnswerInTheOrderOfSending() {
        var pending = PendingPublishes()
        var answered: [Int] = []
        for index in 0..<3 { pending.append(byteCount: 1) { _ in answered.append(index) } }
        pending.popFirst()?(.success(0))
        for completion in pending.takeAll() { completion(.failure(.connectionLost)) }
        #expect(answered == [0, 1, 2])
        #expect(pending.popFirst() == nil)
    }
}
