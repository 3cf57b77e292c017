internal import Glibc

/// The masking keys of a client: unpredictable, and a new one for each frame (RFC 6455 section 10.3).
///
/// The keys come from the kernel, like those of SystemRandomNumberGenerator, but in batches: a system call per key
/// costs twenty times as much as masking a small message. One source serves all connections of a loop. It is not
/// copyable, because copies would repeat the same keys.
public struct MaskingKeys: ~Copyable {
    /// 256 bytes, the most that getentropy(3) returns at once.
    private static let batchCount = 64

    private var batch: [UInt32] = []

    /// A source that has not drawn keys yet.
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
