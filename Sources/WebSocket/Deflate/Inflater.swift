internal import Bytes
internal import CZlib

/// Decompresses messages (RFC 7692 section 7.2.2) up to a limit.
///
/// An inflater without context serves all connections of a loop. One with context belongs to one connection, whose
/// client refers back to earlier messages; it holds about 40 KiB. Confined to its loop's thread.
@safe
public final class Inflater {
    /// Whether messages may refer back to earlier ones.
    public let keepsContext: Bool

    // On the heap, because zlib's state points back to it. Nil until the first message.
    private var stream: UnsafeMutablePointer<z_stream>?

    /// A decompressor that allocates nothing before its first message.
    public init(keepsContext: Bool = false) {
        self.keepsContext = keepsContext
    }

    deinit {
        guard let stream = unsafe stream else { return }
        unsafe inflateEnd(stream)
        unsafe stream.deallocate()
    }

    /// Decompresses one message.
    ///
    /// Stops as soon as the result exceeds `maxBytes`, because a few KiB can expand to many MiB. After a violation the
    /// context is lost.
    public func inflate(_ compressed: RawSpan, maxBytes: Int) throws(ProtocolViolation) -> [UInt8] {
        // An empty message is one zero byte (section 7.2.3.6), but zlib compresses an empty message after another to
        // nothing.
        guard compressed.byteCount > 0 else { return [] }
        let stream = try unsafe begin()
        var message: [UInt8] = []
        var end = try unsafe consume(compressed, stream, maxBytes, &message)
        // If a final block ends with the message, no block is open that the tail would close.
        let tail = Deflater.tail
        if end != .stream { end = try unsafe consume(tail.rawSpan, stream, maxBytes, &message) }
        // Input that stops inside a block is damaged, though zlib would wait for more.
        guard end != .insideBlock else { throw .invalidDeflate }
        return message
    }

    /// Where a piece of input ended.
    private enum End { case insideBlock, block, stream }

    private func consume(
        _ input: RawSpan, _ stream: UnsafeMutablePointer<z_stream>, _ maxBytes: Int, _ message: inout [UInt8]
    ) throws(ProtocolViolation) -> End {
        try unsafe input.withUnsafeBytes { source throws(ProtocolViolation) in
            unsafe stream.pointee.next_in = source.baseAddress?.assumingMemoryBound(to: UInt8.self)
            unsafe stream.pointee.avail_in = UInt32(source.count)
            var result = Z_OK
            repeat {
                result = unsafe step(
                    stream, room: Inflater.room(after: message.count, source.count, maxBytes), &message)
                guard message.count <= maxBytes else { throw .messageTooBig }
                switch result {
                case Z_OK, Z_BUF_ERROR: break
                // More blocks may follow a final one (section 7.2.3.4) and refer to data before it.
                case Z_STREAM_END: unsafe inflateResetKeep(stream)
                default: throw .invalidDeflate
                }
                // zlib.h, inflate: bit 128 is set after a block, and 64 too after the final one; only the next call
                // returns Z_STREAM_END.
            } while unsafe stream.pointee.avail_in > 0 || stream.pointee.avail_out == 0
                || (result == Z_OK && stream.pointee.data_type & (128 | 64) == 128 | 64)
            if result == Z_STREAM_END { return .stream }
            // The lower bits count the unused bits of the last byte.
            return unsafe stream.pointee.data_type & (128 | 0x3F) == 128 ? .block : .insideBlock
        }
    }

    /// Decompresses into new room after the message so far.
    private func step(_ stream: UnsafeMutablePointer<z_stream>, room: Int, _ message: inout [UInt8]) -> Int32 {
        var result = Z_OK
        message.append(addingCapacity: room) { span in
            unsafe span.withUnsafeMutableBufferPointer { target, count in
                unsafe stream.pointee.next_out = target.baseAddress
                unsafe stream.pointee.avail_out = UInt32(room)
                // Z_BLOCK makes inflate return at the end of each block, and sets the flag for it.
                result = unsafe CZlib.inflate(stream, Z_BLOCK)
                count = unsafe room - Int(stream.pointee.avail_out)
            }
        }
        return result
    }

    /// Starts with four times the input and then doubles; one byte over the limit shows a violation.
    private static func room(after messageBytes: Int, _ compressedBytes: Int, _ maxBytes: Int) -> Int {
        min(max(messageBytes, 4 * compressedBytes, 64), maxBytes + 1 - messageBytes)
    }

    private func begin() throws(ProtocolViolation) -> UnsafeMutablePointer<z_stream> {
        if let stream = unsafe stream {
            if !keepsContext { unsafe inflateReset(stream) }
            return unsafe stream
        }
        let stream = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)
        unsafe stream.initialize(to: z_stream())
        // Negative means raw DEFLATE. The largest window reads data of every smaller one.
        let result = unsafe inflateInit2_(stream, -15, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size))
        guard result == Z_OK else {
            unsafe stream.deallocate()
            throw .noMemoryToInflate
        }
        unsafe self.stream = stream
        return unsafe stream
    }
}

@available(*, unavailable)
extension Inflater: Sendable {}
