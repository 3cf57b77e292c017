import Testing

@testable import Hooks

/// The questions with a backend that the test plays.
private struct Backend {
    var questions = Questions(timeLimit: 2000)
    var now: UInt64 = 0
    private(set) var sent: [Questions.Outgoing] = []
    private(set) var outcomes: [HookTicket: HookOutcome] = [:]

    mutating func ask(_ channel: String, _ kind: HookKind = .subscribe, for number: Int) {
        let question = Question(
            kind, connection: "\(number)", user: "u", address: nil, headers: [], .channel(channel))
        questions.ask(question, for: ticket(number), at: now)
        advance()
    }

    mutating func withdraw(_ number: Int) -> Int? {
        defer { advance() }
        return questions.withdraw(ticket(number), at: now)
    }

    mutating func answer(_ number: Int, _ text: String = #"{"allow":true}"#, status: Int = 200) {
        let fetched = HTTPFetched(status: status, head: [], body: Array(text.utf8))
        _ = questions.noteResponse(to: number, .success(fetched), at: now)
        advance()
    }

    @discardableResult
    mutating func fail(_ number: Int) -> HookFailure? {
        defer { advance() }
        return questions.noteResponse(to: number, .failure(FetchFailure(.timedOut, "too slow")), at: now)
    }

    mutating func expire() {
        questions.expire(at: now)
        advance()
    }

    private mutating func advance() {
        while let next = questions.takeNext(at: now) { sent.append(next) }
        for (asker, outcome) in questions.takeSettled() {
            #expect(outcomes[asker] == nil, "\(asker) is answered twice")
            outcomes[asker] = outcome
        }
    }

    func outcome(_ number: Int) -> HookOutcome? { outcomes[ticket(number)] }

    func isAllowed(_ number: Int) -> Bool? {
        guard case .answered(let answer) = outcome(number) else { return nil }
        return answer.isAllowed
    }

    func ticket(_ number: Int) -> HookTicket { HookTicket(loop: 0, request: number, part: 0) }
}

@Suite struct QuestionsTests {
    private var backend = Backend()

    @Test mutating func eachQuestionHasItsAnswer() {
        backend.ask("a", for: 1)
        backend.ask("b", for: 2)
        #expect(backend.sent.map(\.number) == [1, 2] && backend.sent[0].milliseconds == 2000)
        backend.answer(2, #"{"allow":false,"reason":"no"}"#)
        #expect(backend.isAllowed(1) == nil && backend.isAllowed(2) == false)
        backend.answer(1)
        #expect(backend.isAllowed(1) == true)
        #expect(backend.questions.pending == 0)
        let counts = backend.questions.counts[.subscribe]
        #expect(counts.allowed == 1 && counts.denied == 1 && counts.failed == [:])
    }

    @Test mutating func answersOfBeforeAReloadCountOnlyForWhoHasAsked() {
        backend.ask("kept", for: 1)
        backend.answer(1, #"{"allow":true,"cache_s":60}"#)
        backend.ask("sent", for: 2)
        backend.questions.beginAnew(timeLimit: 500, at: backend.now)
        backend.ask("kept", for: 3)
        backend.ask("sent", for: 4)
        #expect(backend.sent.map(\.number) == [1, 2, 3, 4] && backend.sent[3].milliseconds == 500)
        backend.answer(2, #"{"allow":true,"cache_s":60}"#)
        #expect(backend.isAllowed(2) == true && backend.isAllowed(4) == nil)
        backend.ask("sent", for: 5)
        backend.answer(4, #"{"allow":false,"reason":"no"}"#)
        #expect(backend.isAllowed(4) == false && backend.isAllowed(5) == false)
        #expect(backend.sent.count == 4 && backend.questions.pending == 1)
    }

    @Test mutating func failuresOfBeforeAReloadDoNotCount() {
        for number in 1...Circuit.tolerated { backend.ask("\(number)", for: number) }
        backend.questions.beginAnew(timeLimit: 2000, at: backend.now)
        for number in 1...Circuit.tolerated { backend.fail(number) }
        #expect(backend.questions.state(of: .subscribe) == .closed)
        backend.ask("a", for: 100)
        #expect(backend.sent.last?.number == Circuit.tolerated + 1)
    }

    @Test mutating func equalQuestionsAreAskedOnce() {
        for number in 1...3 { backend.ask("a", for: number) }
        backend.ask("a", .publish, for: 4)
        #expect(backend.sent.count == 2)
        backend.answer(1)
        #expect((1...3).allSatisfy { backend.isAllowed($0) == true } && backend.outcome(4) == nil)
        backend.ask("a", for: 5)
        #expect(backend.sent.count == 3, "the answer does not say that it holds")
        #expect(backend.questions.counts[.subscribe].shared == 2)
    }

    @Test mutating func anAnswerThatHoldsIsNotAskedForAgain() {
        backend.ask("a", for: 1)
        backend.answer(1, #"{"allow":false,"cache_s":3}"#)
        backend.now = 2999
        backend.ask("a", for: 2)
        #expect(backend.isAllowed(2) == false && backend.sent.count == 1)
        backend.now = 3000
        backend.ask("a", for: 3)
        #expect(backend.outcome(3) == nil && backend.sent.count == 2)
        #expect(backend.questions.counts[.subscribe].cached == 1)
    }

    @Test mutating func onlySoManyAreSentAtOnce() {
        let most = Questions.maxAtOnce
        for number in 1...most + 2 { backend.ask("c\(number)", for: number) }
        #expect(backend.sent.count == most)
        backend.now = 500
        backend.answer(7)
        #expect(backend.sent.count == most + 1)
        #expect(backend.sent.last?.number == most + 1 && backend.sent.last?.milliseconds == 1500)
    }

    @Test mutating func onlySoManyWait() {
        for number in 1...Questions.maxCount { backend.ask("c\(number)", for: number) }
        backend.ask("one more", for: 0)
        #expect(backend.outcome(0) == .failed(.busy))
        backend.ask("c1", for: Questions.maxCount + 1)
        #expect(backend.outcome(Questions.maxCount + 1) == nil, "it is asked already")
    }

    @Test mutating func theirBytesAreLimited() {
        let data = [UInt8](repeating: UInt8(ascii: "1"), count: Questions.maxBytes / 4)
        for number in 1...5 {
            let question = Question(
                .publish, connection: "", user: "u", address: nil, headers: [],
                .publication(channel: "\(number)", data: data))
            backend.questions.ask(question, for: backend.ticket(number), at: 0)
        }
        #expect(backend.questions.takeSettled().map(\.1) == [.failed(.busy), .failed(.busy)])
    }

    @Test mutating func whatWaitsTooLongIsGivenUp() {
        for number in 1...Questions.maxAtOnce + 2 { backend.ask("c\(number)", for: number) }
        backend.now = 1999
        backend.expire()
        #expect(backend.outcomes.isEmpty)
        backend.now = 2000
        backend.expire()
        #expect(backend.outcomes.count == 2, "those that were sent have a time limit of their own")
        #expect(backend.outcome(Questions.maxAtOnce + 1) == .failed(.waitedTooLong))
    }

    @Test mutating func aWithdrawnQuestionIsGivenUpWhenNobodyElseAsks() {
        for number in 1...2 { backend.ask("a", for: number) }
        #expect(backend.withdraw(1) == nil)
        #expect(backend.withdraw(1) == nil, "it was withdrawn already")
        #expect(backend.withdraw(2) == 1)
        backend.answer(1)
        #expect(backend.outcomes.isEmpty && backend.questions.pending == 0)
        backend.ask("a", for: 3)
        #expect(backend.sent.count == 2)
    }

    @Test mutating func aQuestionIsWithdrawnBeforeItIsSent() {
        for number in 1...Questions.maxAtOnce + 1 { backend.ask("c\(number)", for: number) }
        #expect(backend.withdraw(Questions.maxAtOnce + 1) == nil)
        backend.answer(1)
        #expect(backend.sent.count == Questions.maxAtOnce)
    }
}

@Suite struct QuestionFailureTests {
    private var backend = Backend()

    @Test mutating func whatIsNoAnswerIsAFailure() {
        for number in 1...4 { backend.ask("c\(number)", for: number) }
        backend.answer(1, "hello")
        backend.answer(2, status: 500)
        backend.answer(3, status: 204)
        #expect(backend.fail(4) == .fetch(FetchFailure(.timedOut, "too slow")))
        #expect(backend.outcome(1) == .failed(.badAnswer(.badJSON("a JSON object is expected"))))
        #expect(backend.outcome(2) == .failed(.status(500)) && backend.outcome(3) == .failed(.status(204)))
        let failed = backend.questions.counts[.subscribe].failed
        #expect(failed == ["bad_answer": 1, "status": 2, "timed_out": 1])
    }

    @Test mutating func aFailureIsNotKept() {
        backend.ask("a", for: 1)
        backend.fail(1)
        backend.ask("a", for: 2)
        #expect(backend.sent.count == 2)
    }

    @Test mutating func aBackendThatIsDownIsNotAsked() {
        for number in 1...Questions.maxAtOnce + 10 { backend.ask("c\(number)", for: number) }
        for number in 1...Circuit.tolerated { backend.fail(number) }
        #expect(backend.sent.count == Questions.maxAtOnce + Circuit.tolerated - 1, "the rest is not sent")
        #expect(backend.outcome(Questions.maxAtOnce + 10) == .failed(.down))
        backend.ask("another", .publish, for: 1000)
        #expect(backend.outcome(1000) == nil, "its backend is another one")
        for number in Circuit.tolerated + 1...Questions.maxAtOnce + 4 { backend.fail(number) }
        backend.now = 1000
        for number in 2001...2002 { backend.ask("c\(number)", for: number) }
        #expect(backend.outcome(2001) == nil && backend.outcome(2002) == .failed(.down))
        backend.answer(backend.sent[backend.sent.count - 1].number)
        #expect(backend.isAllowed(2001) == true)
        #expect(backend.questions.state(of: .subscribe) == .closed)
    }

    /// Otherwise a client could shut out others by asking what the backend fails at.
    @Test mutating func anErrorOfTheBackendDoesNotMeanThatItIsDown() {
        for number in 1...20 {
            backend.ask("c\(number)", for: number)
            backend.answer(number, "oops", status: number % 2 == 0 ? 500 : 200)
        }
        #expect(backend.questions.state(of: .subscribe) == .closed)
    }

    @Test(arguments: [502, 503, 504])
    mutating func aGatewayWithoutBackendMeansThatItIsDown(status: Int) {
        for number in 1...Circuit.tolerated {
            backend.ask("c\(number)", for: number)
            backend.answer(number, status: status)
        }
        #expect(backend.questions.state(of: .subscribe) != .closed)
    }
}

/// Random runs: each client that stays has exactly one outcome in the end, and nothing is left over.
@Suite struct QuestionsModelTests {
    @Test func everyClientHasOneOutcome() {
        var random = SystemRandomNumberGenerator()
        for _ in 0..<50 {
            var backend = Backend()
            var gone: Set<Int> = []
            var open: Set<Int> = []
            var seen = 0
            for number in 1...400 {
                backend.now += UInt64.random(in: 0...30, using: &random)
                backend.ask("c\(Int.random(in: 1...60, using: &random))", for: number)
                for question in backend.sent[seen...] { open.insert(question.number) }
                seen = backend.sent.count
                if Bool.random(using: &random), let question = open.randomElement(using: &random) {
                    open.remove(question)
                    let dice = Int.random(in: 0...3, using: &random)
                    if dice == 0 {
                        backend.fail(question)
                    } else {
                        backend.answer(question, #"{"allow":true,"cache_s":\#(dice - 1)}"#)
                    }
                } else if Int.random(in: 0...3, using: &random) == 0 {
                    let client = Int.random(in: 1...number, using: &random)
                    if backend.outcome(client) == nil { gone.insert(client) }
                    if let question = backend.withdraw(client) { open.remove(question) }
                }
            }
            backend.now += 10_000
            backend.expire()
            for question in backend.sent { backend.fail(question.number) }
            for client in 1...400 { #expect((backend.outcome(client) == nil) == gone.contains(client)) }
            #expect(backend.questions.pending == 0)
        }
    }
}
