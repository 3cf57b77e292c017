// Client frames are masked (RFC 6455 section 5.3): octet i of the payload is XORed with octet i % 4 of the key. This
// loop touches every byte that clients send, so it works in words of eight bytes.

internal import Bytes

/// The masking key of a frame, with its octets in memory order.
struct MaskingKey: Equatable {
    var octets: UInt32

    /// The key for the bytes after the first `byteCount`.
    func rotated(by byteCount: Int) -> MaskingKey {
        let bits = UInt32(byteCount & 3) * 8
        let first = UInt32(littleEndian: octets)
        return MaskingKey(octets: (first >> bits | first << ((32 - bits) & 31)).littleEndian)
    }
}

enum Masking {
    /// Appends `payload` XOR `key` to `bytes`, in one pass and without clearing the new bytes first.
    static func append(_ payload: RawSpan, key: MaskingKey, to bytes: inout [UInt8]) {
        guard payload.byteCount > 0 else { return }
        bytes.append(addingCapacity: payload.byteCount) { output in
            unsafe payload.withUnsafeBytes { source in
                unsafe output.withUnsafeMutableBufferPointer { target, initializedCount in
                    unsafe copy(source, key: key, to: UnsafeMutableRawBufferPointer(target))
                    initializedCount = source.count
                }
            }
        }
    }

    private static func copy(
        _ source: UnsafeRawBufferPointer, key: MaskingKey, to target: UnsafeMutableRawBufferPointer
    ) {
        let count = source.count
        let words = count & ~7
        let wordKey = UInt64(key.octets) << 32 | UInt64(key.octets)
        var offset = 0
        while offset < words {
            let word = unsafe source.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
            unsafe target.storeBytes(of: word ^ wordKey, toByteOffset: offset, as: UInt64.self)
            offset &+= 8
        }
        // Eight is a multiple of the key's length, so the tail starts with the key's first octet again.
        var tailKey = UInt32(littleEndian: key.octets)
        while offset < count {
            unsafe target[offset] = source[offset] ^ UInt8(truncatingIfNeeded: tailKey)
            tailKey = tailKey >> 8 | tailKey << 24
            offset &+= 1
        }
    }
}
