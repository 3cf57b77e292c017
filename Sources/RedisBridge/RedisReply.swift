internal import Bytes
internal import CHiredis

/// A reply that hiredis lends for the duration of a callback.
@safe
struct RedisReply {
    private let raw: UnsafeMutablePointer<redisReply>

    @unsafe
    init(_ raw: UnsafeMutablePointer<redisReply>) { unsafe self.raw = raw }

    /// The text of an error reply.
    var errorText: String? {
        guard unsafe raw.pointee.type == REDIS_REPLY_ERROR else { return nil }
        return withBytes { unsafe String(decoding: $0.withUnsafeBytes { unsafe Array($0) }, as: UTF8.self) }
    }

    /// The text of a string or status reply; nil for other types, or if it is not UTF-8.
    var text: String? {
        guard unsafe raw.pointee.type == REDIS_REPLY_STRING || raw.pointee.type == REDIS_REPLY_STATUS else {
            return nil
        }
        return withBytes { $0.text }
    }

    /// Whether it is nil, which also stands for a string that was too long.
    var isNil: Bool { unsafe raw.pointee.type == REDIS_REPLY_NIL }

    /// The number of an integer reply.
    var integer: Int? {
        unsafe raw.pointee.type == REDIS_REPLY_INTEGER ? Int(raw.pointee.integer) : nil
    }

    /// The number of elements of an array reply; 0 for other types.
    var elementCount: Int {
        unsafe raw.pointee.type == REDIS_REPLY_ARRAY ? Int(raw.pointee.elements) : 0
    }

    /// An element of an array reply.
    func element(_ index: Int) -> RedisReply? {
        guard index < elementCount, let element = unsafe raw.pointee.element[index] else { return nil }
        return unsafe RedisReply(element)
    }

    /// The value after a name, in an array reply of alternating names and values.
    func field(_ name: String) -> String? {
        let names = stride(from: 0, to: elementCount, by: 2)
        return names.first { element($0)?.text == name }.flatMap { element($0 + 1)?.text }
    }

    /// Lends the bytes of a string, status or error reply; empty for other types.
    func withBytes<Result>(_ body: (RawSpan) -> Result) -> Result {
        guard let bytes = unsafe raw.pointee.str else { return body(RawSpan()) }
        return unsafe body(RawSpan(_unsafeStart: bytes, byteCount: raw.pointee.len))
    }
}
