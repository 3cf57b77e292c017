public import Hooks

/// Whether a client is refused or allowed when the backend has not answered.
public enum HookDefault: String, CaseIterable, Sendable {
    /// It is refused.
    case refuse
    /// It is allowed what it wants.
    case allow
}

/// The backend that is asked what clients may do, and told what happens.
public struct HookConfiguration: Sendable {
    /// The URLs of the kinds of questions that are asked.
    public var urls: [HookKind: String] = [:]
    /// Where events are sent; nil for none.
    public var eventsURL: String?
    /// Which events are sent.
    public var eventKinds = Set(EventKind.allCases)
    /// From the end of the last subscription until a channel is vacated, or a user has left it.
    public var grace = Duration.seconds(10)
    /// The header fields of handshakes to pass on, in lower case.
    public var headers: [String] = []
    /// What happens without an answer.
    public var otherwise = HookDefault.refuse
    /// A question must be answered within this time.
    public var timeLimit = Duration.seconds(2)
    /// The secret that signs what is sent; empty for no signature.
    public var secret: [UInt8] = []
    /// The certificates (PEM) to trust; nil for the system's.
    public var authoritiesFile: String?

    /// Nothing is asked.
    public init() {}

    var signer: HookSigner? { secret.isEmpty ? nil : HookSigner(secret: secret) }

    var questions: QuestionSender.Settings {
        var settings = QuestionSender.Settings()
        settings.urls = urls
        settings.timeLimit = timeLimit
        settings.signer = signer
        return settings
    }
}
