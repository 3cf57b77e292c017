internal import Bytes
internal import CHiredis

/// hiredis' parser of RESP: bytes in, replies out.
@safe
final class ReplyReader {
    /// The parser moves what it has not read yet to the front each time a kilobyte is used up: with large portions that
    /// copying costs more than everything else.
    private static let portionBytes = 16_384

    private let reader: UnsafeMutablePointer<redisReader>
    private var filter: ReplyFilter

    /// Nil if there is no memory.
    ///
    /// - Parameter maxStringBytes: longer strings are read as nil, and never held.
    init?(maxStringBytes: Int) {
        filter = ReplyFilter(maxStringBytes: maxStringBytes)
        guard let reader = unsafe redisReaderCreate() else { return nil }
        unsafe self.reader = reader
    }

    deinit {
        unsafe redisReaderFree(reader)
    }

    /// Takes bytes and hands on each reply that they complete, until `body` returns false.
    ///
    /// After an error the reader is of no more use.
    func read(_ bytes: RawSpan, _ body: (RedisReply) -> Bool) throws(ReplyViolation) {
        try filter.filter(bytes) { (piece) throws(ReplyViolation) in try parse(piece, body) }
    }

    /// False once `body` returned false.
    private func parse(_ bytes: RawSpan, _ body: (RedisReply) -> Bool) throws(ReplyViolation) -> Bool {
        var offset = 0
        while offset < bytes.byteCount {
            let end = min(offset + ReplyReader.portionBytes, bytes.byteCount)
            feed(bytes.extracting(offset..<end))
            offset = end
            var reply: UnsafeMutableRawPointer?
            repeat {
                guard unsafe redisReaderGetReply(reader, &reply) == REDIS_OK else { throw violation }
                guard let complete = unsafe reply else { break }
                let goesOn = unsafe body(RedisReply(complete.assumingMemoryBound(to: redisReply.self)))
                unsafe freeReplyObject(complete)
                guard goesOn else { return false }
            } while true
        }
        return true
    }

    /// Whether a reply has arrived in part.
    ///
    /// The parser is at element 0 between two replies, too, and deeper only inside one.
    var isMidReply: Bool {
        unsafe filter.isMidValue || reader.pointee.ridx > 0 || reader.pointee.len > reader.pointee.pos
    }

    private func feed(_ bytes: RawSpan) {
        // A failure is told by the next `redisReaderGetReply`.
        unsafe bytes.withUnsafeBytes { buffer in
            _ = unsafe redisReaderFeed(
                reader, buffer.baseAddress?.assumingMemoryBound(to: CChar.self), buffer.count)
        }
    }

    private var violation: ReplyViolation {
        let reason = unsafe withUnsafeBytes(of: &reader.pointee.errstr) { text in
            unsafe String(decoding: text.prefix { $0 != 0 }, as: UTF8.self)
        }
        return ReplyViolation(reason: reason)
    }
}

@available(*, unavailable)
extension ReplyReader: Sendable {}
