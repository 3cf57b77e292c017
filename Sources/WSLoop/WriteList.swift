// Both imports are needed: which header a system type belongs to depends on the module that the compiler loads first.
internal import CUV
internal import CUring
internal import Glibc

/// Writes that are handed to the kernel together, and their results.
///
/// A loop reuses one list all the time.
@safe
public final class WriteList {
    /// The most writes in a list.
    public static let capacity = 128
    /// The most pieces of a write; far below the kernel's 1,024, but beyond it a second write costs little.
    public static let maxPieces = 64

    struct Write {
        let descriptor: Int32
        var firstPiece: Int
        var pieceCount = 0
        /// The number of bytes written, or a negated errno.
        var result = 0
    }

    let writes: UnsafeMutableBufferPointer<Write>
    private let pieces: UnsafeMutableBufferPointer<iovec>
    // Private, because a mutable public property costs an exclusivity check for each access.
    private var writeCount = 0
    private var pieceCount = 0

    /// Makes an empty list; its pages take no memory until they are used.
    public init() {
        unsafe writes = .allocate(capacity: WriteList.capacity)
        unsafe pieces = .allocate(capacity: WriteList.capacity * WriteList.maxPieces)
    }

    deinit {
        unsafe writes.deallocate()
        unsafe pieces.deallocate()
    }

    /// The number of writes.
    public var count: Int { writeCount }

    /// Adds a write without pieces; the list must not be full.
    public func add(to descriptor: Int32) {
        precondition(writeCount < WriteList.capacity, "WriteList: more than \(WriteList.capacity) writes")
        unsafe writes.initializeElement(at: writeCount, to: Write(descriptor: descriptor, firstPiece: pieceCount))
        writeCount += 1
    }

    /// The descriptor of a write.
    func descriptor(_ index: Int) -> Int32 {
        precondition(index < writeCount)
        return unsafe writes[index].descriptor
    }

    /// Adds a piece to the last write; returns false if the write cannot hold more.
    ///
    /// The memory must not change until the list was sent.
    @unsafe
    public func append(_ piece: UnsafeRawBufferPointer) -> Bool {
        guard unsafe writes[writeCount - 1].pieceCount < WriteList.maxPieces else { return false }
        unsafe pieces[pieceCount] = iovec(
            iov_base: UnsafeMutableRawPointer(mutating: piece.baseAddress), iov_len: piece.count)
        pieceCount += 1
        unsafe writes[writeCount - 1].pieceCount += 1
        return true
    }

    /// Sets the only piece of a write that was added before the piece was known.
    @unsafe
    func setPiece(_ piece: UnsafeRawBufferPointer, of index: Int) {
        precondition(index < writeCount)
        unsafe precondition(
            writes[index].pieceCount == 0 && pieceCount < pieces.count, "WriteList: no room for a piece")
        unsafe pieces[pieceCount] = iovec(
            iov_base: UnsafeMutableRawPointer(mutating: piece.baseAddress), iov_len: piece.count)
        unsafe writes[index].firstPiece = pieceCount
        unsafe writes[index].pieceCount = 1
        pieceCount += 1
    }

    /// The result of a write, after the list was sent.
    public func result(_ index: Int) -> Socket.WriteResult {
        precondition(index < writeCount)
        return unsafe Socket.WriteResult(writes[index].result)
    }

    /// Empties the list.
    public func removeAll() {
        writeCount = 0
        pieceCount = 0
    }

    /// The pieces of a write, in the kernel's form.
    @unsafe
    func pieces(of index: Int) -> UnsafeMutablePointer<iovec> {
        unsafe pieces.baseAddress.unsafelyUnwrapped + writes[index].firstPiece
    }
}

@available(*, unavailable)
extension WriteList: Sendable {}
