internal import CZlib

/// Compresses whole messages (RFC 7692 section 7.2.1), each for itself: no context is taken over from one to the next.
///
/// So one result serves every subscriber, and the state belongs to a loop and not to a connection. Confined to that
/// loop's thread.
@safe
public final class Deflater {
    /// Messages below this size go out plain: a header and a checksum of TCP cost more than what could be saved.
    public static let thresholdBytes = 256
    /// What a sync flush ends with and the receiver puts back (RFC 7692 section 7.2.1, step 2).
    static let tail: [UInt8] = [0x00, 0x00, 0xFF, 0xFF]

    // On the heap: zlib's state points back to it.
    private let stream: UnsafeMutablePointer<z_stream>

    /// A compressor for `window`; nil if there is no memory for it.
    public init?(window: DeflateWindow) {
        unsafe stream = .allocate(capacity: 1)
        unsafe stream.initialize(to: z_stream())
        // A negative number of bits: DEFLATE alone, without zlib's header. Level 1 costs as much as 6 for a message of 1 KiB.
        let result = unsafe deflateInit2_(
            stream, Deflater.level, Z_DEFLATED, -Int32(window.rawValue), window.memoryLevel, Z_DEFAULT_STRATEGY,
            ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size))
        guard result == Z_OK else { return nil }
    }

    private static let level: Int32 = 6

    deinit {
        unsafe deflateEnd(stream)
        unsafe stream.deallocate()
    }

    /// The payload of a compressed frame; nil if that would not be smaller than the message.
    public func deflate(_ message: RawSpan) -> [UInt8]? {
        guard unsafe deflateReset(stream) == Z_OK else { return nil }
        // Room for a result that is smaller by one byte, the tail that is cut off again, and one byte more, since zlib
        // has surely written everything only if some room is left.
        let room = message.byteCount + Deflater.tail.count
        var output: [UInt8] = []
        var isComplete = false
        output.append(addingCapacity: room) { span in
            unsafe span.withUnsafeMutableBufferPointer { target, count in
                unsafe message.withUnsafeBytes { source in
                    unsafe stream.pointee.next_in = source.baseAddress?.assumingMemoryBound(to: UInt8.self)
                    unsafe stream.pointee.avail_in = UInt32(source.count)
                    unsafe stream.pointee.next_out = target.baseAddress
                    unsafe stream.pointee.avail_out = UInt32(room)
                    let result = unsafe CZlib.deflate(stream, Z_SYNC_FLUSH)
                    isComplete = unsafe result == Z_OK && stream.pointee.avail_in == 0 && stream.pointee.avail_out > 0
                    count = unsafe room - Int(stream.pointee.avail_out)
                }
            }
        }
        guard isComplete, output.count > Deflater.tail.count else { return nil }
        output.removeLast(Deflater.tail.count)
        return output
    }
}

@available(*, unavailable)
extension Deflater: Sendable {}
