internal import Glibc

/// The keys that a client masks its frames with: each is new, and those before it do not tell it (RFC 6455 section 10.3).
///
/// They come from the kernel, as SystemRandomNumberGenerator's numbers do, but many at a time: a system call for each
/// costs twenty times as much as masking a small message. One source serves all connections of a loop; it cannot be
/// copied, for the copies would give the same keys.
public struct MaskingKeys: ~Copyable {
    /// As many as getentropy(3) gives at once: 256 bytes.
    private static let batchCount = 64

    private var batch: [UInt32] = []

    /// A source that has drawn nothing yet.
    public init() {}

    /// The next key.
    public mutating func next() -> UInt32 {
        if let key = batch.popLast() { return key }
        var keys = [UInt32](repeating: 0, count: MaskingKeys.batchCount)
        let result = unsafe keys.withUnsafeMutableBytes { unsafe getentropy($0.baseAddress, $0.count) }
        precondition(result == 0, "the kernel gives no random numbers")
        let key = keys.removeLast()
        batch = keys
        return key
    }
}
