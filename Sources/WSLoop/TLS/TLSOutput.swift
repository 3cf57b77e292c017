internal import COpenSSL
internal import Glibc
internal import TLSRecord

/// What the sessions of a loop share: a buffer for what they encrypt, until it is sent, and the contexts that encrypt it.
///
/// Each session's bytes are those that were added by a call on it; whoever makes the call notes where they begin and end.
/// Confined to its loop's thread; it must outlive its sessions' use.
@safe
public final class TLSOutput {
    /// More than this is given back to the system when it is empty.
    private static let keptBytes = 1 << 20

    let bio: OpaquePointer
    let ciphers = RecordCiphers()
    /// Where the record begins whose content is being added, and is still plain.
    private(set) var recordBegin: Int?
    private let method: OpaquePointer
    private let output: UnsafeMutablePointer<copenssl_output>

    /// Makes an empty output.
    public init() throws(TLSFailure) {
        guard let method = unsafe copenssl_output_method() else {
            throw .library(operation: "BIO_meth_new", reason: OpenSSLError.take().description)
        }
        let output = UnsafeMutablePointer<copenssl_output>.allocate(capacity: 1)
        unsafe output.initialize(to: copenssl_output())
        guard let bio = unsafe copenssl_output_bio(method, output) else {
            unsafe output.deallocate()
            unsafe BIO_meth_free(method)
            throw .library(operation: "BIO_new", reason: OpenSSLError.take().description)
        }
        unsafe self.method = method
        unsafe self.output = output
        unsafe self.bio = bio
    }

    deinit {
        unsafe BIO_free(bio)
        unsafe BIO_meth_free(method)
        unsafe free(output.pointee.bytes)
        unsafe output.deallocate()
    }

    /// How many bytes are in it.
    public var count: Int { unsafe output.pointee.count }

    /// Lends the bytes of a range; nothing may be added meanwhile.
    public func lend<Result>(_ range: Range<Int>, _ body: (RawSpan) -> Result) -> Result {
        precondition(range.upperBound <= count)
        guard let bytes = unsafe output.pointee.bytes else { return body(RawSpan()) }
        return unsafe body(RawSpan(_unsafeStart: bytes + range.lowerBound, byteCount: range.count))
    }

    /// Makes the bytes of a range the one piece of a write that has none yet; nothing may be added before it was sent.
    public func place(_ range: Range<Int>, in list: WriteList, at write: Int) {
        precondition(range.upperBound <= count)
        guard let bytes = unsafe output.pointee.bytes else { return }
        unsafe list.setPiece(UnsafeRawBufferPointer(start: bytes + range.lowerBound, count: range.count), of: write)
    }

    /// Adds bytes.
    func append(_ bytes: RawSpan) {
        unsafe bytes.withUnsafeBytes { unsafe grow($0.count).copyMemory(from: $0) }
    }

    /// Adds so many bytes, to be written by `change`.
    func append(unwritten byteCount: Int) {
        _ = unsafe grow(byteCount)
    }

    /// Adds a record's header, to be written when its content is complete.
    func beginRecord(_ headerBytes: Int) -> Int {
        let begin = count
        recordBegin = begin
        append(unwritten: headerBytes)
        return begin
    }

    /// Ends the record that was begun; if it could not be encrypted nothing of it may be sent.
    func endRecord(isSealed: Bool) {
        if let begin = recordBegin, !isSealed { unsafe output.pointee.count = begin }
        recordBegin = nil
    }

    private func grow(_ byteCount: Int) -> UnsafeMutableRawBufferPointer {
        guard let begin = unsafe copenssl_output_grow(output, byteCount) else { fatalError("out of memory") }
        return unsafe UnsafeMutableRawBufferPointer(start: begin, count: byteCount)
    }

    /// Lends the bytes from `begin` on to be changed.
    func change(from begin: Int, _ body: (inout MutableRawSpan) -> Bool) -> Bool {
        precondition(0...count ~= begin)
        guard let bytes = unsafe output.pointee.bytes else { return false }
        var span = unsafe MutableRawSpan(_unsafeStart: bytes + begin, byteCount: count - begin)
        return body(&span)
    }

    /// Empties it.
    public func removeAll() {
        unsafe output.pointee.count = 0
        guard unsafe output.pointee.capacity > TLSOutput.keptBytes else { return }
        unsafe free(output.pointee.bytes)
        unsafe output.pointee = copenssl_output()
    }
}

@available(*, unavailable)
extension TLSOutput: Sendable {}
