/// Tracks how many clients Redis has disconnected at their output buffer limit; newer versions of Redis count them.
struct OverrunWatch {
    static let question = RedisCommand("INFO", ["stats"])
    private static let field = "client_output_buffer_limit_disconnections:"

    private var latest: Int?
    /// The count when the subscriber link last proved that it was still connected.
    private var proven: Int?
    /// False once Redis returned no count: its version is older, or the user may not use INFO.
    private(set) var isWorthAsking = true

    /// Stores a reply to the question.
    mutating func answered(_ answer: RedisReply) {
        latest = OverrunWatch.count(in: answer)
        isWorthAsking = latest != nil
    }

    /// A message that was published after the question has arrived on the subscriber link.
    mutating func linkProven() {
        proven = latest
    }

    /// Evaluates the reply to the question that was asked after the subscriber link was lost.
    ///
    /// - Returns: whether Redis has disconnected a client at its limit since the link last worked; nil if unknown.
    mutating func hasRisen(_ answer: RedisReply) -> Bool? {
        answered(answer)
        guard let latest, let proven else { return nil }
        return latest > proven
    }

    private static func count(in info: RedisReply) -> Int? {
        let line = info.text?.split(whereSeparator: \.isNewline).first { $0.hasPrefix(field) }
        return line.flatMap { Int($0.dropFirst(field.count)) }
    }
}
