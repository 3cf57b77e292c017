internal import COpenSSL
internal import Glibc
internal import TLSRecord

/// What the sessions of a loop share: a buffer for what they encrypt, until it is sent, and what encrypts it.
///
/// Bytes belong to the session that added them, which the output checks. They come out as a `Part`, which goes to the
/// session's descriptor and to no other. Confined to its loop's thread; it must outlive its sessions' use.
@safe
public final class TLSOutput {
    /// Bytes of one session.
    public struct Part {
        let range: Range<Int>
        /// Where its session sends.
        public let descriptor: Int32

        /// How many there are.
        public var count: Int { range.count }

        /// The part without its first bytes.
        public func dropFirst(_ count: Int) -> Part {
            Part(range: range.dropFirst(count), descriptor: descriptor)
        }
    }

    /// More than this is given back to the system when it is empty.
    private static let keptBytes = 1 << 20
    // Made once and never changed: any thread may use them.
    @safe private nonisolated(unsafe) static let outputMethod = unsafe copenssl_output_method()
    @safe private nonisolated(unsafe) static let inputMethod = unsafe copenssl_input_method()

    let bio: OpaquePointer
    /// Where OpenSSL's sessions read from, and what is lent to the one that reads.
    let inputBIO: OpaquePointer
    let input: UnsafeMutablePointer<copenssl_input>
    let ciphers = RecordCiphers()
    // What is unchecked is touched several times for each record (docs/decisions/0009).

    /// What OpenSSL's next record will carry.
    @safe @exclusivity(unchecked) var plain: [UInt8] = []
    /// Where the record begins whose content is being added, and is still plain.
    @safe @exclusivity(unchecked) private(set) var recordBegin: Int?
    private let output: UnsafeMutablePointer<copenssl_output>
    /// Whose the bytes behind `takenCount` are.
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

    /// How many bytes are in it.
    public var count: Int { unsafe output.pointee.count }

    // MARK: Whose bytes they are

    /// Lets a session add bytes; nobody else's may be unclaimed.
    func begin(for session: TLSSession) {
        precondition(owner == ObjectIdentifier(session) || count == takenCount, "TLSOutput: bytes of another session")
        owner = ObjectIdentifier(session)
    }

    /// What a session has added and nobody has taken, without its first bytes.
    func part(of session: TLSSession, from offset: Int = 0) -> Part {
        precondition(owner == ObjectIdentifier(session) || count == takenCount, "TLSOutput: bytes of another session")
        precondition(recordBegin == nil && plain.isEmpty, "TLSOutput: a record is not complete")
        return Part(range: takenCount + offset..<count, descriptor: session.descriptor)
    }

    /// What a session has added, which is no longer its own: others may add behind it.
    func take(from session: TLSSession) -> Part {
        let part = part(of: session)
        takenCount = count
        owner = nil
        return part
    }

    /// Lends the bytes of a part; nothing may be added meanwhile.
    public func lend<Result>(_ part: Part, _ body: (RawSpan) -> Result) -> Result {
        precondition(part.range.upperBound <= count)
        guard let bytes = unsafe output.pointee.bytes else { return body(RawSpan()) }
        return unsafe body(RawSpan(_unsafeStart: bytes + part.range.lowerBound, byteCount: part.count))
    }

    /// Sends a part to the descriptor of its session.
    public func send(_ part: Part) -> Socket.WriteResult {
        lend(part) { Socket.send($0, to: part.descriptor) }
    }

    /// Makes a part the one piece of a write to its session; nothing may be added before it was sent.
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

    /// Lets go of the last part that was taken, once it was sent or kept.
    public func release(_ part: Part) {
        precondition(part.range.upperBound == count && takenCount == count, "TLSOutput: others have added bytes")
        guard part.range.lowerBound > 0 else { return removeAll() }
        unsafe output.pointee.count = part.range.lowerBound
        takenCount = part.range.lowerBound
    }

    /// Empties it.
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
