import Testing

@testable import WSLoop

struct InboxTests {
    private struct Letter: Equatable, Sendable {
        let sender: Int
        let number: Int
    }

    @Test func lettersOfEachSenderArriveInOrder() throws {
        try withLoop { loop in
            let inbox = Inbox<Letter>()
            var letters: [Letter] = []
            try inbox.open(on: loop) { letters += inbox.takeAll() }
            var threads: [LoopThreadBox] = []
            for sender in 0..<4 {
                threads.append(
                    try LoopThreadBox(named: "sender-\(sender)") {
                        for number in 0..<5000 { inbox.post(Letter(sender: sender, number: number)) }
                    })
            }
            try loop.turn(for: "20,000 letters") { letters.count >= 20_000 }
            for thread in threads { thread.join() }
            for sender in 0..<4 {
                #expect(letters.filter { $0.sender == sender }.map(\.number) == Array(0..<5000))
            }
            #expect(letters.count == 20_000)
            inbox.close()
        }
    }

    @Test func aLetterWakesASleepingLoop() throws {
        try withLoop { loop in
            let inbox = Inbox<Int>()
            var received: [Int] = []
            try inbox.open(on: loop) { received += inbox.takeAll() }
            let thread = try LoopThreadBox(named: "sender") { inbox.post(7) }
            // Nothing else could end this turn.
            while received.isEmpty { loop.turn() }
            thread.join()
            #expect(received == [7])
            inbox.close()
        }
    }

    @Test func aLetterWithoutWakingIsFoundByTheNextLook() throws {
        try withLoop { loop in
            let inbox = Inbox<Int>()
            var wakeUps = 0
            try inbox.open(on: loop) { wakeUps += 1 }
            inbox.post(1, waking: false)
            inbox.post(2)
            loop.turn(waiting: false)
            #expect(wakeUps == 0)
            #expect(inbox.takeAll() == [1, 2])
            #expect(inbox.takeAll() == [])
            inbox.post(3)
            inbox.post(4)
            loop.turn()
            #expect(wakeUps == 1)
            #expect(inbox.takeAll() == [3, 4])
            inbox.close()
        }
    }

    @Test func lettersPostedBeforeItOpensAreKept() throws {
        try withLoop { loop in
            let inbox = Inbox<Int>()
            inbox.post(1)
            inbox.post(2)
            var received: [Int] = []
            try inbox.open(on: loop) { received += inbox.takeAll() }
            // Nothing else could end this turn.
            while received.isEmpty { loop.turn() }
            #expect(received == [1, 2])
            inbox.close()
        }
    }

    @Test func aClosedInboxDropsWhatIsPosted() throws {
        try withLoop { loop in
            let inbox = Inbox<Int>()
            var wakeUps = 0
            try inbox.open(on: loop) { wakeUps += 1 }
            inbox.post(1)
            inbox.close()
            inbox.close()
            inbox.post(2)
            loop.turn(waiting: false)
            #expect(wakeUps == 0)
            #expect(inbox.takeAll() == [])
        }
    }

    @Test func anInboxMayCloseWhileOthersPost() throws {
        for _ in 0..<50 {
            try withLoop { loop in
                let inbox = Inbox<Int>()
                try inbox.open(on: loop) { _ = inbox.takeAll() }
                let thread = try LoopThreadBox(named: "sender") {
                    for number in 0..<20_000 { inbox.post(number) }
                }
                loop.turn()
                inbox.close()
                thread.join()
                #expect(inbox.takeAll() == [])
            }
        }
    }
}

/// Keeps the move-only thread in an array.
private final class LoopThreadBox {
    private var thread: LoopThread?

    init(named name: String, _ body: @escaping @Sendable () -> Void) throws {
        thread = try LoopThread(named: name, body)
    }

    func join() {
        guard let thread = thread.take() else { return }
        thread.join()
    }
}
