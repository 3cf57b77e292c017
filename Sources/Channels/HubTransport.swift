/// What a write came to.
public enum SendResult: Equatable, Sendable {
    /// The kernel took so many bytes, perhaps fewer than offered, but at least one.
    case accepted(Int)
    /// The kernel takes nothing for now.
    case blocked
    /// The connection is broken; the errno value.
    case failed(Int32)
}

/// Makes the hub's writes.
///
/// Both functions are called inside a flush and must not call the hub: it traps if a flush is entered twice.
public protocol HubTransport: AnyObject {
    /// Makes each write once, without waiting, and notes its result with `PreparedWrites.complete`.
    func send(_ writes: PreparedWrites)
    /// Bytes that the transport took for a connection and the kernel has not; they count towards its limit.
    func unsentBytes(of link: Int32) -> Int
}
