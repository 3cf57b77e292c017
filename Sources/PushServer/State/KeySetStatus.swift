internal import Tokens

/// What is known about the keys that are fetched for verifying tokens (`--token-jwks`).
struct KeySetStatus: Sendable {
    var state = KeySetSchedule.State.missing
    /// The keys in use of those that were fetched.
    var keys = 0
    /// When they were last fetched, on the loop's clock; nil before the first time.
    var fetchedMilliseconds: UInt64?
    var fetches = 0
    var failures = 0
    /// Why the last attempt failed; nil if it did not.
    var problem: KeySetFailure?
}
