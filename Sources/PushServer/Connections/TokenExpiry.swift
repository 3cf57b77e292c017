internal import Access
internal import WSLoop

/// When a connection's token expires, and what is to be done first.
///
/// This needs no memory besides the identity's: the timing wheel brings a connection up at the end of its token as it
/// does at its other deadlines, and both are looked at then. The wheel goes around once in two minutes, so that a clock
/// that was set is noticed by then.
struct TokenExpiry {
    /// How long before the end a client is told of it.
    private static let noticeSeconds = 30.0
    /// A later end is looked at again when the wheel has gone around.
    private static let maxSeconds = 600.0

    let secondsLeft: Double
    private let secondsUntilDue: Double

    /// Nil for a connection whose token does not expire, or without one.
    init?(of connection: Connection) {
        guard let end = connection.identity?.expiresAt, connection.isOpenClient else { return nil }
        secondsLeft = Double(end) - Loop.unixTimeSeconds
        secondsUntilDue = connection.isToldOfExpiry ? secondsLeft : secondsLeft - TokenExpiry.noticeSeconds
    }

    var isDue: Bool { secondsUntilDue <= 0 }

    /// The ticks until the client must be told, or until the end; at least one.
    var ticksUntilDue: UInt32 {
        let seconds = min(max(secondsUntilDue, 0), TokenExpiry.maxSeconds)
        return UInt32((seconds * 1000 / Double(DeadlineWheel.tickMilliseconds)).rounded(.up)) + 1
    }
}
