/// What became of the questions of each kind so far.
public struct QuestionCounts: Sendable, Equatable {
    /// The counts of one kind.
    public struct Kind: Sendable, Equatable {
        /// Clients that the backend allowed what they wanted.
        public private(set) var allowed = 0
        /// Clients that the backend refused it.
        public private(set) var denied = 0
        /// Clients whose question had no answer, by `HookFailure.labels`.
        public private(set) var failed: [String: Int] = [:]
        /// Clients that had the answer to an equal question of a moment ago.
        public fileprivate(set) var cached = 0
        /// Clients that waited for the answer to an equal question.
        public fileprivate(set) var shared = 0

        fileprivate mutating func note(_ outcome: HookOutcome, _ clients: Int) {
            switch outcome {
            case .answered(let answer) where answer.isAllowed: allowed += clients
            case .answered: denied += clients
            case .failed(let failure): failed[failure.label, default: 0] += clients
            }
        }
    }

    private var kinds = HookKind.allCases.map { _ in Kind() }

    /// The counts of a kind.
    public subscript(kind: HookKind) -> Kind { kinds[kind.rawValue] }

    mutating func note(_ outcome: HookOutcome, _ kind: HookKind, _ clients: Int) {
        kinds[kind.rawValue].note(outcome, clients)
    }

    mutating func noteCached(_ kind: HookKind) { kinds[kind.rawValue].cached += 1 }
    mutating func noteShared(_ kind: HookKind) { kinds[kind.rawValue].shared += 1 }
}
