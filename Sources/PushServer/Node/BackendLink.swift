internal import Hooks
internal import Logging
internal import WSLoop

/// The node's connection to the backend: asks the questions of all workers.
final class BackendLink {
    private let context: LoopContext
    private let state: ServerState
    private var questions: QuestionSender?

    init(_ context: LoopContext) {
        self.context = context
        state = context.state
    }

    /// Asks as the settings of now say; does nothing if no question is configured.
    func update(_ fetcher: HTTPFetcher) {
        let hooks = state.configuration.hooks
        guard questions == nil else {
            questions?.update(hooks.questions)
            return refreshStatus()
        }
        guard !hooks.urls.isEmpty else { return }
        questions = QuestionSender(hooks.questions, fetcher, on: context.loop) { [unowned self] ticket, outcome in
            refreshStatus()
            context.post(.settled(HookReply(ticket, outcome)), to: ticket.loop)
        } changed: { [unowned self] kind, failure in
            log(kind, failure)
            refreshStatus()
        }
    }

    func close() {
        questions = nil
    }

    func ask(_ question: Question, for ticket: HookTicket) {
        questions?.ask(question, for: ticket)
        refreshStatus()
    }

    func withdraw(_ ticket: HookTicket) {
        questions?.withdraw(ticket)
        refreshStatus()
    }

    func tick() {
        questions?.tick()
        refreshStatus()
    }

    /// Before an answer is passed on, so that a client that sees its effect can also see it counted.
    private func refreshStatus() {
        guard let questions else { return }
        state.questionStatus = state.configuration.hooks.urls.isEmpty ? nil : questions.status
    }

    private func log(_ kind: HookKind, _ failure: HookFailure?) {
        guard let failure else { return state.logger.notice("hook up", metadata: ["hook": "\(kind.label)"]) }
        state.logger.warning("hook down", metadata: ["hook": "\(kind.label)", "reason": "\(failure)"])
    }
}

/// The outcome of a question, for the connection that asked it.
final class HookReply: Sendable {
    let ticket: HookTicket
    let outcome: HookOutcome

    init(_ ticket: HookTicket, _ outcome: HookOutcome) {
        (self.ticket, self.outcome) = (ticket, outcome)
    }
}
