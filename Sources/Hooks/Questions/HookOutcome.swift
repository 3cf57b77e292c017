/// What became of a question.
public enum HookOutcome: Equatable, Sendable {
    /// The backend's answer.
    case answered(HookAnswer)
    /// There is no answer, so that the configuration decides.
    case failed(HookFailure)
}

/// Why a question has no answer.
public enum HookFailure: Error, Equatable, Sendable, CustomStringConvertible {
    /// No response.
    case fetch(FetchFailure)
    /// A response with another status than 200.
    case status(Int)
    /// A response that is not an answer.
    case badAnswer(AnswerViolation)
    /// The backend has failed several times and was not asked.
    case down
    /// Too many questions are waiting.
    case busy
    /// No other question was answered in time for this one to be sent.
    case waitedTooLong

    /// All labels of failures, for metrics.
    public static let labels = FetchFailure.Kind.allCases.map(\.rawValue) + ["status", "bad_answer", "down", "busy"]

    /// The failure's label in metrics.
    public var label: String {
        switch self {
        case .fetch(let failure): failure.kind.rawValue
        case .status: "status"
        case .badAnswer: "bad_answer"
        case .down: "down"
        case .busy: "busy"
        case .waitedTooLong: FetchFailure.Kind.timedOut.rawValue
        }
    }

    /// The reason in words, for the log.
    public var description: String {
        switch self {
        case .fetch(let failure): failure.description
        case .status(let status): "the status is \(status) and not 200"
        case .badAnswer(let violation): violation.description
        case .down: "the backend is down"
        case .busy: "too many questions are waiting"
        case .waitedTooLong: "the backend answers too slowly"
        }
    }

    /// Whether it shows that the backend is not there, and not only that it does not like this question.
    var isOutage: Bool {
        switch self {
        case .fetch(let failure): failure.kind != .tooLarge
        case .status(let status): (502...504).contains(status)
        case .badAnswer, .down, .busy, .waitedTooLong: false
        }
    }
}
