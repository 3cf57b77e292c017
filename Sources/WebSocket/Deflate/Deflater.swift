internal import CZlib

/// Compresses messages (RFC 7692 section 7.2.1), each on its own, without context from earlier ones.
///
/// So one result serves every subscriber, and the state belongs to a loop instead of a connection. Confined to that
/// loop's thread.
@safe
public final class Deflater {
    /// Smaller messages go out uncompressed: a TCP segment's headers cost more than compression could save.
    public static let thresholdBytes = 256
    /// The end of every sync flush; it is not sent, and the receiver appends it again (RFC 7692 section 7.2.1, step 2).
    static let tail: [UInt8] = [0x00, 0x00, 0xFF, 0xFF]

    // On the heap, because zlib's state points back to it.
    private let stream: UnsafeMutablePointer<z_stream>

    /// A compressor for `window`; nil if there is no memory for it.
    public init?(window: DeflateWindow) {
        unsafe stream = .allocate(capacity: 1)
        unsafe stream.initialize(to: z_stream())
        // Negative bits mean raw DEFLATE without zlib's header. For messages of 1 KiB, level 1 costs as much as level
        // 6.
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

    /// The payload of a compressed frame; nil if it would not be smaller than the message.
    public func deflate(_ message: RawSpan) -> [UInt8]? {
        guard unsafe deflateReset(stream) == Z_OK else { return nil }
        // Room for a result that is one byte smaller, plus the tail that is cut off, plus one byte: only if some room
        // is left has zlib surely written everything.
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
