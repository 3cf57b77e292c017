import CZlib
import WSLoop

/// What a file of output says about itself, in the comment of its gzip header (RFC 1952 section 2.3).
///
/// The files are their own checkpoint: a file is renamed to its name when it is complete, and no other record of the
/// progress could contradict it.
struct Receipt: Sendable, Equatable {
    /// How many lines of input it stands for.
    var lines: Int
    /// How many of these it does not contain.
    var dropped: Int
    /// Whether it is the last one of its input.
    var isLast: Bool
    /// The settings and the input that it was made from.
    var origin: String

    fileprivate var comment: String { "lines=\(lines) dropped=\(dropped) last=\(isLast ? 1 : 0) \(origin)" }

    init(lines: Int, dropped: Int, isLast: Bool, origin: String) {
        self.lines = lines
        self.dropped = dropped
        self.isLast = isLast
        self.origin = origin
    }

    fileprivate init?(comment: String) {
        let parts = comment.split(separator: " ", maxSplits: 3)
        guard parts.count == 4, let lines = Self.number("lines=", parts[0]),
            let dropped = Self.number("dropped=", parts[1]), let last = Self.number("last=", parts[2])
        else { return nil }
        self.init(lines: lines, dropped: dropped, isLast: last == 1, origin: String(parts[3]))
    }

    private static func number(_ name: String, _ text: Substring) -> Int? {
        text.hasPrefix(name) ? Int(text.dropFirst(name.count)) : nil
    }
}

/// The format of the files of output; all functions block the thread.
enum BatchFile {
    /// The content of a file.
    static func encode(_ text: [UInt8], _ receipt: Receipt, level: Int) throws -> [UInt8] {
        // zlib's state points back to the stream and refers to the header.
        try unsafe withUnsafeTemporaryAllocation(of: z_stream.self, capacity: 1) { stream in
            unsafe stream.initialize(repeating: z_stream())
            var header = unsafe gz_header()
            unsafe header.os = 3  // Unix, whatever the machine, so that equal input gives equal files
            return try unsafe withUnsafeMutablePointer(to: &header) { header in
                var comment = Array(receipt.comment.utf8) + [0]
                return try unsafe comment.withUnsafeMutableBufferPointer { comment in
                    unsafe header.pointee.comment = comment.baseAddress
                    return try unsafe compress(text, stream.baseAddress, header, level)
                }
            }
        }
    }

    private static func compress(
        _ text: [UInt8], _ stream: UnsafeMutablePointer<z_stream>?, _ header: UnsafeMutablePointer<gz_header>,
        _ level: Int
    ) throws -> [UInt8] {
        // 16 more than the window's bits: with a gzip header and its checksum.
        let result = unsafe deflateInit2_(
            stream, Int32(level), Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY, ZLIB_VERSION,
            Int32(MemoryLayout<z_stream>.size))
        guard result == Z_OK, let stream = unsafe stream else { throw Failure("no memory to compress") }
        defer { unsafe deflateEnd(stream) }
        unsafe deflateSetHeader(stream, header)
        let room = unsafe Int(deflateBound(stream, UInt(text.count)))
        return unsafe text.withUnsafeBufferPointer { text in
            unsafe [UInt8](unsafeUninitializedCapacity: room) { target, count in
                unsafe stream.pointee.next_in = text.baseAddress
                unsafe stream.pointee.avail_in = UInt32(text.count)
                unsafe stream.pointee.next_out = target.baseAddress
                unsafe stream.pointee.avail_out = UInt32(room)
                let result = unsafe deflate(stream, Z_FINISH)
                precondition(result == Z_STREAM_END, "deflateBound is too small")
                count = unsafe room - Int(stream.pointee.avail_out)
            }
        }
    }

    /// What the file says about itself; nil if there is no such file.
    static func receipt(_ path: String) throws -> Receipt? {
        guard let begin = SystemFile.read(path, minBytes: 1) else { return nil }
        let fixedBytes = 10
        guard begin.starts(with: [0x1F, 0x8B]), begin.count > fixedBytes,
            let receipt = Receipt(comment: String(decoding: begin[fixedBytes...].prefix { $0 != 0 }, as: UTF8.self))
        else { throw Failure("\(path) is not a file of this program") }
        return receipt
    }
}
