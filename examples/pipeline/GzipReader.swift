import CZlib
import WSLoop

/// Reads and decompresses a gzip file, also one of several members (RFC 1952 section 2.2); blocks the thread.
@safe
final class GzipReader {
    private static let chunkBytes = 1 << 18

    /// How many bytes of the file have been read.
    private(set) var offset = 0
    private let path: String
    private let descriptor: Int32
    // On the heap, because zlib's state points back to it.
    private let stream: UnsafeMutablePointer<z_stream>
    private var chunk: [UInt8] = []
    private var used = 0
    private var isInsideMember = false

    init(_ path: String) throws {
        self.path = path
        descriptor = try SystemFile.open(path, for: .reading).get()
        unsafe stream = .allocate(capacity: 1)
        unsafe stream.initialize(to: z_stream())
        // 16 more than the window's bits: a gzip header and its checksum are expected.
        let result = unsafe inflateInit2_(stream, 15 + 16, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size))
        guard result == Z_OK else { throw Failure("no memory to decompress \(path)") }
    }

    deinit {
        Socket.close(descriptor)
        unsafe inflateEnd(stream)
        unsafe stream.deallocate()
    }

    /// Appends text until there are `count` bytes; returns false at the end of the file.
    func fill(_ text: inout [UInt8], upTo count: Int) throws -> Bool {
        while text.count < count {
            // zlib may hold text without further input, if the last call had no room for it.
            if isInsideMember || used < chunk.count { try inflate(into: &text, upTo: count) }
            guard text.count < count, used == chunk.count else { continue }
            guard try readChunk() else {
                if isInsideMember { throw Failure("\(path) is damaged: the gzip data ends too early") }
                return false
            }
        }
        return true
    }

    private func readChunk() throws -> Bool {
        chunk = try SystemFile.read(descriptor, Self.chunkBytes, at: offset, path).get()
        used = 0
        offset += chunk.count
        return !chunk.isEmpty
    }

    private func inflate(into text: inout [UInt8], upTo count: Int) throws {
        let room = count - text.count
        var result = Z_OK
        text.append(addingCapacity: room) { span in
            unsafe span.withUnsafeMutableBufferPointer { target, filled in
                unsafe chunk.withUnsafeBufferPointer { source in
                    unsafe stream.pointee.next_in = source.baseAddress.map { unsafe $0 + used }
                    unsafe stream.pointee.avail_in = UInt32(source.count - used)
                    unsafe stream.pointee.next_out = target.baseAddress
                    unsafe stream.pointee.avail_out = UInt32(room)
                    result = unsafe CZlib.inflate(stream, Z_NO_FLUSH)
                    used = unsafe source.count - Int(stream.pointee.avail_in)
                    filled = unsafe room - Int(stream.pointee.avail_out)
                }
            }
        }
        switch result {
        case Z_OK, Z_BUF_ERROR: isInsideMember = true
        case Z_STREAM_END:
            isInsideMember = false
            unsafe inflateReset(stream)
        default: throw Failure("\(path) is damaged: bad gzip data before byte \(offset)")
        }
    }
}

@available(*, unavailable)
extension GzipReader: Sendable {}
