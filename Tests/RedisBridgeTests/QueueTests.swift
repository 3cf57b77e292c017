import Testing

@testable import RedisBridge

struct QueueTests {
    private func message(_ byteCount: Int, until deadline: UInt64 = 0) -> PublishQueue.Waiting {
        PublishQueue.Waiting(
            channel: [], payload: [UInt8](repeating: 0, count: byteCount), deadline: deadline, completion: { _ in })
    }

    @Test func publishesAreBoundedByBytes() {
        var queue = PublishQueue()
        let half = PublishQueue.maximumBytes / 2
        #expect(queue.hasRoom(forBytes: 2 * half))
        #expect(!queue.hasRoom(forBytes: 2 * half + 1))
        queue.sent(byteCount: half) { _ in }
        #expect(queue.hasRoom(forBytes: half))
        #expect(!queue.hasRoom(forBytes: half + 1))
        queue.wait(message(half))
        #expect(!queue.hasRoom(forBytes: 1))
        #expect(queue.popSent() != nil)
        #expect(queue.hasRoom(forBytes: half))
        #expect(queue.takeWaiting().count == 1)
        #expect(queue.hasRoom(forBytes: 2 * half))
    }

    @Test func publishesAreBoundedByCount() {
        var queue = PublishQueue()
        for index in 0..<PublishQueue.maximumCount {
            #expect(queue.hasRoom(forBytes: 0))
            if index % 2 == 0 { queue.sent { _ in } } else { queue.wait(message(0)) }
        }
        #expect(!queue.hasRoom(forBytes: 0))
        #expect(queue.takeSent().count == PublishQueue.maximumCount / 2)
        #expect(queue.takeWaiting().count == PublishQueue.maximumCount / 2)
        #expect(queue.hasRoom(forBytes: PublishQueue.maximumBytes))
    }

    @Test func whatWaitsExpiresInTime() {
        var queue = PublishQueue()
        for deadline in [10, 10, 20] as [UInt64] { queue.wait(message(1, until: deadline)) }
        #expect(queue.nextDeadline == 10)
        #expect(queue.takeExpired(at: 9).isEmpty)
        #expect(queue.takeExpired(at: 10).count == 2)
        #expect(queue.nextDeadline == 20)
        #expect(queue.count == 1)
    }

    @Test func whatIsNotAnsweredInTimeIsGivenUpAndItsReplyStillExpected() {
        var queue = PublishQueue()
        var answered: [Int] = []
        for index in 0..<3 { queue.sent(byteCount: 1, until: UInt64(10 * index)) { _ in answered.append(index) } }
        #expect(queue.nextDeadline == 0)
        for each in queue.takeUnanswered(at: 10) { each(nil) }
        #expect(answered == [0, 1])
        #expect(queue.nextDeadline == 20)
        #expect(queue.count == 3, "Redis still owes three replies")
        for _ in 0..<2 { #expect(queue.popSent() == nil, "nobody waits for it any more") }
        queue.popSent()?(nil)
        #expect(answered == [0, 1, 2])
        #expect(queue.count == 0 && queue.nextDeadline == nil)
    }

    @Test func repliesAnswerInTheOrderOfSending() {
        var queue = PublishQueue()
        var answered: [Int] = []
        for index in 0..<3 { queue.sent(byteCount: 1) { _ in answered.append(index) } }
        queue.popSent()?(nil)
        for each in queue.takeSent() { each(nil) }
        #expect(answered == [0, 1, 2])
        #expect(queue.popSent() == nil)
    }
}
