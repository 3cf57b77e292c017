internal import DequeModule

/// The questions to the backend: equal ones are asked once, only so many at once, and none while the backend is down.
///
/// It sends nothing itself: after each call, `takeNext` says what to send, and `takeSettled` who has an answer. Times
/// are milliseconds on one clock.
struct Questions {
    static let maxAtOnce = 256
    /// The most questions that are sent or wait to be sent, and their bytes.
    static let maxCount = 16_384
    static let maxBytes = 16 << 20

    /// A question to send now.
    struct Outgoing {
        let number: Int
        let kind: HookKind
        let body: [UInt8]
        /// How long its response may take.
        let milliseconds: UInt64
    }

    private struct Entry {
        let question: Question
        var askers: [HookTicket]
        var deadline: UInt64
    }

    private var timeLimit: UInt64
    private var circuits: [HookKind: Circuit] = [:]
    private var cache = AnswerCache()
    private var entries: [Int: Entry] = [:]
    private var numberByKey: [[UInt8]: Int] = [:]
    private var numberByAsker: [HookTicket: Int] = [:]
    /// Oldest first; some may have been withdrawn.
    private var waiting = Deque<Int>()
    private var sent: Set<Int> = []
    /// Those that were sent by other settings: their answers say nothing about later questions.
    private var outdated: Set<Int> = []
    private var settled: [(HookTicket, HookOutcome)] = []
    private var asked = 0
    private var bytes = 0
    private var generator = SystemRandomNumberGenerator()
    private(set) var counts = QuestionCounts()

    /// - Parameter timeLimit: milliseconds from asking to the answer.
    init(timeLimit: UInt64) {
        self.timeLimit = timeLimit
    }

    /// The questions that are sent or wait to be sent.
    var pending: Int { entries.count }

    /// Whether questions of a kind are sent.
    func state(of kind: HookKind) -> Circuit.State { circuits[kind]?.state ?? .closed }
}

// MARK: - Clients

extension Questions {
    /// Asks a question for a connection.
    mutating func ask(_ question: Question, for asker: HookTicket, at now: UInt64) {
        if let answer = cache.answer(to: question.key, at: now) {
            counts.noteCached(question.kind)
            settle([asker], question.kind, .answered(answer))
        } else if let number = numberByKey[question.key] {
            counts.noteShared(question.kind)
            entries[number]?.askers.append(asker)
            numberByAsker[asker] = number
        } else if entries.count >= Questions.maxCount || bytes + question.key.count > Questions.maxBytes {
            settle([asker], question.kind, .failed(.busy))
        } else {
            asked += 1
            entries[asked] = Entry(question: question, askers: [asker], deadline: now + timeLimit)
            numberByKey[question.key] = asked
            numberByAsker[asker] = asked
            bytes += question.key.count
            waiting.append(asked)
        }
    }

    /// A connection no longer waits for the answer.
    ///
    /// - Returns: the number of the request to give up, if nothing waits for it any longer.
    mutating func withdraw(_ asker: HookTicket, at now: UInt64) -> Int? {
        guard let number = numberByAsker.removeValue(forKey: asker) else { return nil }
        entries[number]?.askers.removeAll { $0 == asker }
        guard let entry = entries[number], entry.askers.isEmpty else { return nil }
        circuits[entry.question.kind]?.noteWithdrawal(of: number, at: now)
        outdated.remove(number)
        remove(number)
        return sent.remove(number)
    }

    /// Hands over the connections that have an answer, or will have none.
    mutating func takeSettled() -> [(HookTicket, HookOutcome)] {
        defer { settled = [] }
        return settled
    }
}

// MARK: - The backend

extension Questions {
    /// Other settings count from now on, perhaps with another backend: nothing is known of that one.
    mutating func beginAnew(timeLimit: UInt64, at now: UInt64) {
        self.timeLimit = timeLimit
        cache = AnswerCache()
        circuits = [:]
        outdated = sent
        for number in sent {
            if let entry = entries[number] { numberByKey[entry.question.key] = nil }
        }
        for (number, entry) in entries { entries[number]?.deadline = min(entry.deadline, now + timeLimit) }
    }

    /// A question that was taken cannot be sent.
    mutating func giveUp(_ number: Int) {
        sent.remove(number)
        finish(number, .failed(.down))
    }

    /// Takes a question to send now; nil if there is none.
    mutating func takeNext(at now: UInt64) -> Outgoing? {
        while sent.count < Questions.maxAtOnce, let number = waiting.popFirst() {
            guard let entry = entries[number] else { continue }
            let kind = entry.question.kind
            guard now < entry.deadline else {
                finish(number, .failed(.waitedTooLong))
                continue
            }
            guard circuits[kind, default: Circuit()].admits(number, at: now) else {
                finish(number, .failed(.down))
                continue
            }
            sent.insert(number)
            return Outgoing(
                number: number, kind: kind, body: entry.question.body, milliseconds: entry.deadline - now)
        }
        return nil
    }

    /// The response to a question that was sent.
    ///
    /// - Returns: why it is no answer; nil if it is one.
    mutating func noteResponse(
        to number: Int, _ result: Result<HTTPFetched, FetchFailure>, at now: UInt64
    ) -> HookFailure? {
        guard sent.remove(number) != nil, let entry = entries[number] else { return nil }
        let kind = entry.question.kind
        let isOutdated = outdated.remove(number) != nil
        do throws(HookFailure) {
            let answer = try HookAnswer(result, to: kind)
            if !isOutdated {
                circuits[kind]?.noteAnswer()
                cache.keep(answer, to: entry.question.key, at: now)
            }
            finish(number, .answered(answer))
            return nil
        } catch {
            if !isOutdated { note(error, of: kind, number, at: now) }
            finish(number, .failed(error))
            return error
        }
    }

    private mutating func note(_ failure: HookFailure, of kind: HookKind, _ number: Int, at now: UInt64) {
        if failure.isOutage {
            circuits[kind]?.noteFailure(of: number, at: now, using: &generator)
        } else {
            circuits[kind]?.noteAnswer()
        }
    }

    /// Gives up the questions that have waited too long to be sent.
    mutating func expire(at now: UInt64) {
        while let number = waiting.first, entries[number].map({ $0.deadline <= now }) ?? true {
            _ = waiting.popFirst()
            finish(number, .failed(.waitedTooLong))
        }
    }

    private mutating func finish(_ number: Int, _ outcome: HookOutcome) {
        guard let entry = entries[number] else { return }
        for asker in entry.askers { numberByAsker[asker] = nil }
        remove(number)
        settle(entry.askers, entry.question.kind, outcome)
    }

    private mutating func settle(_ askers: [HookTicket], _ kind: HookKind, _ outcome: HookOutcome) {
        counts.note(outcome, kind, askers.count)
        for asker in askers { settled.append((asker, outcome)) }
    }

    private mutating func remove(_ number: Int) {
        guard let entry = entries.removeValue(forKey: number) else { return }
        if numberByKey[entry.question.key] == number { numberByKey[entry.question.key] = nil }
        bytes -= entry.question.key.count
    }
}

extension HookAnswer {
    fileprivate init(_ result: Result<HTTPFetched, FetchFailure>, to kind: HookKind) throws(HookFailure) {
        switch result {
        case .failure(let failure): throw .fetch(failure)
        case .success(let fetched) where fetched.status != 200: throw .status(fetched.status)
        case .success(let fetched):
            do throws(AnswerViolation) {
                self = try HookAnswer(parsing: fetched.body, to: kind)
            } catch {
                throw .badAnswer(error)
            }
        }
    }
}
