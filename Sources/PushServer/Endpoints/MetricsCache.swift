internal import HTTP
internal import Synchronization

/// The response to `/metrics`, computed at most once per second for all loops and requests.
final class MetricsCache: Sendable {
    private static let lifetimeNanoseconds: UInt64 = 1_000_000_000

    private let latest = Mutex<(response: Response, nanoseconds: UInt64)?>(nil)

    /// The cached response, or a new one if that is a second old.
    ///
    /// - Parameter now: the time on a monotonic clock.
    func response(at now: UInt64, compute: () -> Response) -> Response {
        latest.withLock { latest in
            // Another loop may have read the clock later but got here earlier.
            if let latest, now < latest.nanoseconds + MetricsCache.lifetimeNanoseconds { return latest.response }
            let response = compute()
            latest = (response, now)
            return response
        }
    }
}
