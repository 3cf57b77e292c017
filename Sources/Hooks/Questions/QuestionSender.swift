public import WSLoop

/// Asks the backend for the connections of a server.
///
/// Confined to its fetcher's loop.
public final class QuestionSender {
    /// Where and how the backend is asked.
    public struct Settings: Equatable, Sendable {
        /// The URLs of the kinds that are asked.
        public var urls: [HookKind: String] = [:]
        /// From asking to the answer.
        public var timeLimit = Duration.seconds(2)
        /// Signs the questions.
        public var signer: HookSigner?

        /// Nothing is asked.
        public init() {}
    }

    private var settings: Settings
    private let fetcher: HTTPFetcher
    private let loop: Loop
    private var questions: Questions
    private var transfers: [Int: HTTPTransfer] = [:]
    private var down: [HookKind: HookFailure] = [:]
    private let settled: (HookTicket, HookOutcome) -> Void
    private let changed: (HookKind, HookFailure?) -> Void

    /// Makes a sender that has asked nothing.
    ///
    /// - Parameters:
    ///   - settled: receives the outcome of each question that is not withdrawn; may be called inside `ask`.
    ///   - changed: called when the backend of a kind is down, with the reason, and with nil when it answers again.
    public init(
        _ settings: Settings, _ fetcher: HTTPFetcher, on loop: Loop,
        settled: @escaping (HookTicket, HookOutcome) -> Void, changed: @escaping (HookKind, HookFailure?) -> Void
    ) {
        self.settings = settings
        self.fetcher = fetcher
        self.loop = loop
        self.settled = settled
        self.changed = changed
        questions = Questions(timeLimit: UInt64(settings.timeLimit / .milliseconds(1)))
    }

    /// Asks by other settings from now on.
    ///
    /// A question that was sent keeps the answer that comes; answers that were kept are forgotten.
    public func update(_ settings: Settings) {
        guard settings != self.settings else { return }
        self.settings = settings
        down = [:]
        questions.beginAnew(timeLimit: UInt64(settings.timeLimit / .milliseconds(1)), at: loop.nowMilliseconds)
        advance()
    }

    /// Asks a question for a connection.
    public func ask(_ question: Question, for asker: HookTicket) {
        questions.ask(question, for: asker, at: loop.nowMilliseconds)
        advance()
    }

    /// A connection no longer waits for the answer to a question.
    public func withdraw(_ asker: HookTicket) {
        guard let number = questions.withdraw(asker, at: loop.nowMilliseconds) else { return }
        transfers.removeValue(forKey: number)?.cancel()
        advance()
    }

    /// Gives up what has waited too long; call it several times per second.
    public func tick() {
        questions.expire(at: loop.nowMilliseconds)
        advance()
    }

    /// What became of the questions so far.
    public var status: QuestionStatus {
        QuestionStatus(counts: questions.counts, pending: questions.pending, down: down)
    }

    /// Sends what can be sent, and reports what is settled.
    private func advance() {
        while let next = questions.takeNext(at: loop.nowMilliseconds) { send(next) }
        for (asker, outcome) in questions.takeSettled() { settled(asker, outcome) }
    }

    private func send(_ question: Questions.Outgoing) {
        // It was asked before a reload that has taken the backend of its kind away.
        guard let url = settings.urls[question.kind] else { return questions.giveUp(question.number) }
        var headers = [(name: "Content-Type", value: "application/json")]
        if let signer = settings.signer {
            headers.append(signer.header(for: question.body, at: Int(Loop.unixTimeSeconds)))
        }
        let time = Duration.milliseconds(question.milliseconds)
        let fetch = HTTPFetch(
            .post, url, headers: headers, body: question.body,
            limits: HTTPFetch.Limits(time: time, connectTime: time))
        transfers[question.number] = fetcher.send(fetch) { [unowned self] in received($0, for: question) }
    }

    private func received(_ result: Result<HTTPFetched, FetchFailure>, for question: Questions.Outgoing) {
        transfers[question.number] = nil
        let failure = questions.noteResponse(to: question.number, result, at: loop.nowMilliseconds)
        note(failure, of: question.kind)
        advance()
    }

    private func note(_ failure: HookFailure?, of kind: HookKind) {
        let isDown = questions.state(of: kind) != .closed
        guard isDown != (down[kind] != nil) else { return }
        down[kind] = isDown ? failure : nil
        changed(kind, isDown ? failure : nil)
    }
}

/// How the questions to the backend go.
public struct QuestionStatus: Sendable {
    /// What became of them so far.
    public let counts: QuestionCounts
    /// How many are sent or wait to be sent.
    public let pending: Int
    /// The kinds that are not asked since their backend fails, with the reason.
    public let down: [HookKind: HookFailure]
}

@available(*, unavailable)
extension QuestionSender: Sendable {}
