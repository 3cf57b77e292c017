internal import Synchronization
internal import WSLoop

/// The phase of a server between its start and its end; safe on any thread.
struct Lifecycle: ~Copyable, Sendable {
    enum Phase: Int {
        case starting, serving
        /// Still serving, but no longer ready, so that load balancers send new clients elsewhere.
        case leaving
        case draining

        var isStopping: Bool { self == .leaving || self == .draining }
    }

    let startedNanoseconds = Loop.monotonicNanoseconds
    let startTimeSeconds = Loop.unixTimeSeconds
    private let phaseValue = Atomic<Int>(Phase.starting.rawValue)

    var phase: Phase { Phase(rawValue: phaseValue.load(ordering: .acquiring)) ?? .draining }

    /// Enters a phase unless it, or a later one, was entered before.
    ///
    /// - Returns: whether this call entered it.
    @discardableResult
    func enter(_ phase: Phase) -> Bool {
        phaseValue.max(phase.rawValue, ordering: .acquiringAndReleasing).oldValue < phase.rawValue
    }
}
