/// What a channel keeps of its messages.
public struct HistoryLimits: Equatable, Sendable {
    /// The most messages.
    public let maxMessages: Int
    /// How long a message is kept.
    public let maxAgeSeconds: Int

    /// The numbers of messages that are possible.
    public static let counts = 1...100_000
    /// The ages that are possible, in seconds.
    public static let ages = 1...2_592_000

    /// Limits by number and age.
    public init(maxMessages: Int, maxAgeSeconds: Int) {
        self.maxMessages = maxMessages
        self.maxAgeSeconds = maxAgeSeconds
    }
}
