internal import WebSocket

/// A loop's compressors, one per window, created at first use.
struct DeflaterSet {
    private var deflaters: [DeflateWindow: Deflater] = [:]
    private var count = 0

    /// The payload of a compressed frame; nil if the message is small or would not become smaller.
    mutating func deflate(_ message: RawSpan, for window: DeflateWindow) -> [UInt8]? {
        guard message.byteCount >= Deflater.thresholdBytes else { return nil }
        if deflaters[window] == nil { deflaters[window] = Deflater(window: window) }
        count += 1
        // If there is no memory for a compressor, messages go out uncompressed.
        return deflaters[window]?.deflate(message)
    }

    /// The number of messages compressed since the last call, whether or not they became smaller.
    mutating func takeCount() -> Int {
        defer { count = 0 }
        return count
    }
}
