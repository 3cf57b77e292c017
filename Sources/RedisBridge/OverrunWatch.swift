/// How many clients Redis has cut at their output buffer limit, which newer versions count.
struct OverrunWatch {
    static let question = RedisCommand("INFO", ["stats"])
    private static let field = "client_output_buffer_limit_disconnections:"

    private var latest: Int?
    /// The count when the subscriber link was last known not to be among them.
    private var proven: Int?
    /// False once Redis gave no count: its version is older, or the user may not use INFO.
    private(set) var isWorthAsking = true

    /// Takes an answer to the question.
    mutating func answered(_ answer: RedisReply) {
        latest = OverrunWatch.count(in: answer)
        isWorthAsking = latest != nil
    }

    /// A message that was published after the question has come by the subscriber link.
    mutating func linkProven() {
        proven = latest
    }

    /// Takes an answer to the question that was asked after the subscriber link was cut.
    ///
    /// - Returns: whether Redis has cut a client at its limit since the link last worked; nil if it does not tell.
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
