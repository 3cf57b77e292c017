/// The result of a write.
public enum SendResult: Equatable, Sendable {
    /// The kernel accepted this many bytes: at least one, possibly fewer than offered.
    case accepted(Int)
    /// The kernel accepts nothing for now.
    case blocked
    /// The connection is broken; the errno value.
    case failed(Int32)
}

/// Performs the hub's writes.
///
/// Both methods are called inside a flush and must not call the hub; a nested flush traps.
public protocol HubTransport: AnyObject {
    /// Tries each write once, without blocking, and stores its result with `PreparedWrites.complete`.
    func send(_ writes: PreparedWrites)
    /// Bytes that the transport accepted for a connection but the kernel has not; they count towards its limit.
    func unsentBytes(of link: Int32) -> Int
}
