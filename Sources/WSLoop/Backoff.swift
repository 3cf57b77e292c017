/// The delay before the next attempt: full jitter below a ceiling that doubles.
///
/// Jitter keeps many nodes from trying again at the same time after a restart of the server that they all use.
public struct Backoff: Sendable {
    private let firstCeilingMilliseconds: UInt64
    private let lastCeilingMilliseconds: UInt64
    private var ceilingMilliseconds: UInt64

    /// Delays that start below the first ceiling, and never exceed the last one.
    public init(firstCeilingMilliseconds: UInt64, lastCeilingMilliseconds: UInt64) {
        self.firstCeilingMilliseconds = firstCeilingMilliseconds
        self.lastCeilingMilliseconds = lastCeilingMilliseconds
        ceilingMilliseconds = firstCeilingMilliseconds
    }

    /// The next delay; never 0, so that a server that fails at once cannot make the loop spin.
    ///
    /// - Parameter limit: a ceiling for this delay only.
    public mutating func nextMilliseconds(
        under limit: UInt64 = .max, using generator: inout some RandomNumberGenerator
    ) -> UInt64 {
        let delay = UInt64.random(in: 1...max(min(ceilingMilliseconds, limit), 1), using: &generator)
        ceilingMilliseconds = min(ceilingMilliseconds * 2, lastCeilingMilliseconds)
        return delay
    }

    /// Starts from the first ceiling again, after a success.
    public mutating func reset() {
        ceilingMilliseconds = firstCeilingMilliseconds
    }
}
