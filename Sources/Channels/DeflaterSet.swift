internal import WebSocket

/// A loop's compressors, one for each window, made when first needed.
struct DeflaterSet {
    private var deflaters: [DeflateWindow: Deflater] = [:]
    private var count = 0

    /// The payload of a compressed frame; nil if the message is small or would not become smaller.
    mutating func deflate(_ message: RawSpan, for window: DeflateWindow) -> [UInt8]? {
        guard message.byteCount >= Deflater.thresholdBytes else { return nil }
        if deflaters[window] == nil { deflaters[window] = Deflater(window: window) }
        count += 1
        // Without memory for a compressor, messages go out plain.
        return deflaters[window]?.deflate(message)
    }

    /// How many messages were compressed since the last call, whether or not it made them smaller.
    mutating func takeCount() -> Int {
        defer { count = 0 }
        return count
    }
}
