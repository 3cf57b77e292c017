internal import WSLoop

/// Decides whether a backend is asked: when it has failed several times in a row, it is not, except for a probe now and
/// then.
///
/// Times are milliseconds on one clock.
struct Circuit {
    /// Whether questions are sent.
    enum State: Equatable {
        /// They are.
        case closed
        /// They are not until a time.
        case open(untilMilliseconds: UInt64)
        /// They are not until the question with this number is answered.
        case probing(Int)
    }

    /// The number of failures in a row that opens it.
    static let tolerated = 5
    private static let firstWaitMilliseconds: UInt64 = 1000
    private static let lastWaitMilliseconds: UInt64 = 10_000

    private(set) var state = State.closed
    private var failures = 0
    private var backoff = Backoff(
        firstCeilingMilliseconds: Circuit.firstWaitMilliseconds, lastCeilingMilliseconds: Circuit.lastWaitMilliseconds)

    /// Whether a question may be sent now; after a wait, the first one is the probe.
    mutating func admits(_ question: Int, at now: UInt64) -> Bool {
        switch state {
        case .closed: return true
        case .open(let end) where now >= end:
            state = .probing(question)
            return true
        case .open, .probing: return false
        }
    }

    /// The backend has answered.
    mutating func noteAnswer() {
        state = .closed
        failures = 0
        backoff.reset()
    }

    /// The backend has not answered a question.
    mutating func noteFailure(of question: Int, at now: UInt64, using generator: inout some RandomNumberGenerator) {
        failures += 1
        switch state {
        case .closed where failures < Circuit.tolerated: break
        case .closed, .probing(question):
            state = .open(untilMilliseconds: now + backoff.nextMilliseconds(using: &generator))
        // Sent before it opened.
        case .open, .probing: break
        }
    }

    /// A question that was sent is not waited for any longer, as its clients have gone.
    mutating func noteWithdrawal(of question: Int, at now: UInt64) {
        if state == .probing(question) { state = .open(untilMilliseconds: now) }
    }
}
