internal import Synchronization
internal import WSLoop

/// How far a server is between its start and its end; safe from any thread.
struct Lifecycle: ~Copyable, Sendable {
    enum Phase: Int {
        case starting, serving
        /// Still serving, and not ready any more, so that routers send new clients elsewhere.
        case leaving
        case draining

        var isStopping: Bool { self == .leaving || self == .draining }
    }

    let startedNanoseconds = Loop.monotonicNanoseconds
    let startTimeSeconds = Loop.unixTimeSeconds
    private let phaseValue = Atomic<Int>(Phase.starting.rawValue)

    var phase: Phase { Phase(rawValue: phaseValue.load(ordering: .acquiring)) ?? .draining }

    /// Enters a phase unless that, or a later one, has been entered before.
    ///
    /// - Returns: whether it was entered by this call.
    @discardableResult
    func enter(_ phase: Phase) -> Bool {
        phaseValue.max(phase.rawValue, ordering: .acquiringAndReleasing).oldValue < phase.rawValue
    }
}
