internal import COpenSSL
internal import Glibc
internal import TLSRecord

/// What the sessions of a loop share: the ciphers, and a buffer for encrypted bytes until they are sent.
///
/// Bytes belong to the session that added them; the output checks that. They are taken as a `Part`, which can be sent
/// only to that session's descriptor. Confined to its loop's thread; it must outlive the sessions that use it.
@safe
public final class TLSOutput {
    /// Bytes of one session.
    public struct Part {
        let range: Range<Int>
        /// The descriptor of the session.
        public let descriptor: Int32

        /// The number of bytes.
        public var count: Int { range.count }

        /// The part without its first `count` bytes.
        public func dropFirst(_ count: Int) -> Part {
            Part(range: range.dropFirst(count), descriptor: descriptor)
        }
    }

    /// A larger buffer is returned to the system when it is empty.
    private static let keptBytes = 1 << 20
    // Made once and never changed, so any thread may use them.
    @safe private nonisolated(unsafe) static let outputMethod = unsafe copenssl_output_method()
    @safe private nonisolated(unsafe) static let inputMethod = unsafe copenssl_input_method()

    let bio: OpaquePointer
    /// The input of OpenSSL's sessions, and the bytes lent to the session that is reading.
    let inputBIO: OpaquePointer
    let input: UnsafeMutablePointer<copenssl_input>
    let ciphers = RecordCiphers()
    // The unchecked properties are used several times per record (docs/decisions/0009).

    /// The plain content of OpenSSL's next record.
    @safe @exclusivity(unchecked) var plain: [UInt8] = []
    /// The offset of the record whose content is being added and is still plain.
    @safe @exclusivity(unchecked) private(set) var recordBegin: Int?
    private let output: UnsafeMutablePointer<copenssl_output>
    /// The session that owns the bytes after `takenCount`.
    @safe @exclusivity(unchecked) private var owner: ObjectIdentifier?
    @safe @exclusivity(unchecked) private var takenCount = 0

    /// Makes an empty output.
    public init() throws(TLSFailure) {
        let output = UnsafeMutablePointer<copenssl_output>.allocate(capacity: 1)
        unsafe output.initialize(to: copenssl_output())
        let input = UnsafeMutablePointer<copenssl_input>.allocate(capacity: 1)
        unsafe input.initialize(to: copenssl_input())
        let (bio, inputBIO) = unsafe (
            copenssl_bio(TLSOutput.outputMethod, output), copenssl_bio(TLSOutput.inputMethod, input)
        )
        guard let bio = unsafe bio, let inputBIO = unsafe inputBIO else {
            unsafe BIO_free(bio)
            unsafe BIO_free(inputBIO)
            unsafe output.deallocate()
            unsafe input.deallocate()
            throw .library(operation: "BIO_new", reason: OpenSSLError.take().description)
        }
        unsafe self.output = output
        unsafe self.input = input
        unsafe self.bio = bio
        unsafe self.inputBIO = inputBIO
    }

    deinit {
        unsafe BIO_free(bio)
        unsafe BIO_free(inputBIO)
        unsafe free(output.pointee.bytes)
        unsafe output.deallocate()
        unsafe input.deallocate()
    }

    /// The number of bytes in the buffer.
    public var count: Int { unsafe output.pointee.count }

    // MARK: Ownership

    /// Lets a session add bytes; no other session may have bytes that were not taken.
    func begin(for session: TLSSession) {
        precondition(owner == ObjectIdentifier(session) || count == takenCount, "TLSOutput: bytes of another session")
        owner = ObjectIdentifier(session)
    }

    /// The bytes that a session has added and that were not taken, from `offset` on.
    func part(of session: TLSSession, from offset: Int = 0) -> Part {
        precondition(owner == ObjectIdentifier(session) || count == takenCount, "TLSOutput: bytes of another session")
        precondition(recordBegin == nil && plain.isEmpty, "TLSOutput: a record is not complete")
        return Part(range: takenCount + offset..<count, descriptor: session.descriptor)
    }

    /// Takes the bytes that a session has added; other sessions may add bytes after them.
    func take(from session: TLSSession) -> Part {
        let part = part(of: session)
        takenCount = count
        owner = nil
        return part
    }

    /// Lends the bytes of a part; nothing may be added during the call.
    public func lend<Result>(_ part: Part, _ body: (RawSpan) -> Result) -> Result {
        precondition(part.range.upperBound <= count)
        guard let bytes = unsafe output.pointee.bytes else { return body(RawSpan()) }
        return unsafe body(RawSpan(_unsafeStart: bytes + part.range.lowerBound, byteCount: part.count))
    }

    /// Sends a part to the descriptor of its session.
    public func send(_ part: Part) -> Socket.WriteResult {
        lend(part) { Socket.send($0, to: part.descriptor) }
    }

    /// Makes a part the only piece of a write to its session; nothing may be added before it was sent.
    public func place(_ part: Part, in list: WriteList, at write: Int) {
        precondition(part.range.upperBound <= count)
        precondition(list.descriptor(write) == part.descriptor, "TLSOutput: bytes for another session")
        guard let bytes = unsafe output.pointee.bytes else { return }
        unsafe list.setPiece(UnsafeRawBufferPointer(start: bytes + part.range.lowerBound, count: part.count), of: write)
    }

    // MARK: Adding

    /// Adds bytes.
    func append(_ bytes: RawSpan) {
        unsafe bytes.withUnsafeBytes { unsafe grow($0.count).copyMemory(from: $0) }
    }

    /// Adds unspecified bytes, to be filled by `change`.
    func append(unwritten byteCount: Int) {
        _ = unsafe grow(byteCount)
    }

    /// Adds space for a record's header, which is written when the content is complete.
    func beginRecord(_ headerBytes: Int) -> Int {
        let begin = count
        recordBegin = begin
        append(unwritten: headerBytes)
        return begin
    }

    /// Ends the current record; removes it if it could not be encrypted, so that no plain text is sent.
    func endRecord(isSealed: Bool) {
        if let begin = recordBegin, !isSealed { unsafe output.pointee.count = begin }
        recordBegin = nil
    }

    private func grow(_ byteCount: Int) -> UnsafeMutableRawBufferPointer {
        guard let begin = unsafe copenssl_output_grow(output, byteCount) else { fatalError("out of memory") }
        return unsafe UnsafeMutableRawBufferPointer(start: begin, count: byteCount)
    }

    /// Lends the bytes from `begin` on for modification.
    func change(from begin: Int, _ body: (inout MutableRawSpan) -> Bool) -> Bool {
        precondition(0...count ~= begin)
        guard let bytes = unsafe output.pointee.bytes else { return false }
        var span = unsafe MutableRawSpan(_unsafeStart: bytes + begin, byteCount: count - begin)
        return body(&span)
    }

    /// Releases the last part that was taken, after it was sent or copied.
    public func release(_ part: Part) {
        precondition(part.range.upperBound == count && takenCount == count, "TLSOutput: others have added bytes")
        guard part.range.lowerBound > 0 else { return removeAll() }
        unsafe output.pointee.count = part.range.lowerBound
        takenCount = part.range.lowerBound
    }

    /// Empties the buffer.
    public func removeAll() {
        unsafe output.pointee.count = 0
        takenCount = 0
        owner = nil
        guard unsafe output.pointee.capacity > TLSOutput.keptBytes else { return }
        unsafe free(output.pointee.bytes)
        unsafe output.pointee = copenssl_output()
    }
}

@available(*, unavailable)
extension TLSOutput: Sendable {}
