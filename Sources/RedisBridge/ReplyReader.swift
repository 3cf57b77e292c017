internal import Bytes
internal import CHiredis

/// hiredis' RESP parser: bytes in, replies out.
@safe
final class ReplyReader {
    /// The parser moves unread bytes to the front after each kilobyte that it uses up; with large portions that copying
    /// costs more than everything else.
    private static let portionBytes = 16_384

    private let reader: UnsafeMutablePointer<redisReader>
    private var filter: ReplyFilter

    /// Nil if there is no memory.
    ///
    /// - Parameter maxStringBytes: longer strings are read as nil, and never stored.
    init?(maxStringBytes: Int) {
        filter = ReplyFilter(maxStringBytes: maxStringBytes)
        guard let reader = unsafe redisReaderCreate() else { return nil }
        unsafe self.reader = reader
    }

    deinit {
        unsafe redisReaderFree(reader)
    }

    /// Parses bytes and passes each completed reply to `body`, until that returns false.
    ///
    /// After an error the reader cannot be used any more.
    func read(_ bytes: RawSpan, _ body: (RedisReply) -> Bool) throws(ReplyViolation) {
        try filter.filter(bytes) { (piece) throws(ReplyViolation) in try parse(piece, body) }
    }

    /// Returns false once `body` has returned false.
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

    /// Whether a reply has arrived only partly.
    ///
    /// Between two replies the parser is also at element 0; it is deeper only inside a reply.
    var isMidReply: Bool {
        unsafe filter.isMidValue || reader.pointee.ridx > 0 || reader.pointee.len > reader.pointee.pos
    }

    private func feed(_ bytes: RawSpan) {
        // An error is reported by the next `redisReaderGetReply`.
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
