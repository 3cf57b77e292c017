internal import HTTP
internal import Synchronization

/// The answer to `/metrics`, computed at most once a second however often and on however many loops it is asked for.
final class MetricsCache: Sendable {
    private static let lifetimeNanoseconds: UInt64 = 1_000_000_000

    private let latest = Mutex<(response: Response, nanoseconds: UInt64)?>(nil)

    /// The latest answer, or a new one if that is a second old.
    ///
    /// - Parameter now: on a clock that does not go back.
    func response(at now: UInt64, compute: () -> Response) -> Response {
        latest.withLock { latest in
            // Another loop may have read the clock later and come first.
            if let latest, now < latest.nanoseconds + MetricsCache.lifetimeNanoseconds { return latest.response }
            let response = compute()
            latest = (response, now)
            return response
        }
    }
}
