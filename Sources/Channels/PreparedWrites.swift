/// The writes of a flush, and their results.
///
/// A hub has one list, in a buffer of fixed size: adding a write stores one entry and allocates nothing. The memory of
/// a write belongs to a batch or an outbox, which the hub holds until the list was sent.
@safe
public final class PreparedWrites {
    /// The most writes in a list: with io_uring, more gain nothing, and fewer cost up to a tenth.
    public static let capacity = 128

    @safe struct Entry {
        let slot: UInt32
        let link: Int32
        /// The number of the piece to write, which is also its batch's number; negative for an outbox.
        let piece: Int32
        let outbox: Unmanaged<Outbox>?
        var result: SendResult
    }

    let entries: UnsafeMutablePointer<Entry>
    // Unchecked (docs/decisions/0009): touched for each delivery, where the check costs more than the access.
    @safe @exclusivity(unchecked) private var entryCount = 0
    @safe @exclusivity(unchecked) private var pieces: ContiguousArray<UnsafeRawBufferPointer>

    init() {
        unsafe entries = .allocate(capacity: PreparedWrites.capacity)
        unsafe pieces = []
    }

    deinit { unsafe entries.deallocate() }

    /// The number of writes.
    public var count: Int { entryCount }

    var isFull: Bool { entryCount == PreparedWrites.capacity }

    /// The descriptor of a write.
    public func link(_ index: Int) -> Int32 {
        precondition(index < entryCount)
        return unsafe entries[index].link
    }

    /// The bytes of a write of one piece; nil if it writes an outbox.
    @unsafe
    public func piece(_ index: Int) -> UnsafeRawBufferPointer? {
        precondition(index < entryCount)
        let piece = unsafe entries[index].piece
        return piece >= 0 ? unsafe pieces[Int(piece)] : nil
    }

    /// The outbox of a write; nil if it writes one piece.
    public func outbox(_ index: Int) -> Outbox? {
        precondition(index < entryCount)
        return unsafe entries[index].outbox?.takeUnretainedValue()
    }

    /// Stores the result of a write.
    public func complete(_ index: Int, _ result: SendResult) {
        precondition(index < entryCount)
        unsafe entries[index].result = result
    }

    /// Makes a batch's bytes available to writes under the next number; they must stay in place until `removePieces`.
    func addPiece(_ bytes: RawSpan) {
        unsafe bytes.withUnsafeBytes { unsafe pieces.append($0) }
    }

    /// Adds a write of a piece; there must be room.
    func add(_ slot: UInt32, _ link: Int32, piece: Int32) {
        unsafe add(Entry(slot: slot, link: link, piece: piece, outbox: nil, result: .blocked))
    }

    /// Adds a write of an outbox; there must be room.
    func add(_ slot: UInt32, _ link: Int32, _ outbox: Outbox) {
        add(unsafe Entry(slot: slot, link: link, piece: -1, outbox: .passUnretained(outbox), result: .blocked))
    }

    private func add(_ entry: Entry) {
        precondition(entryCount < PreparedWrites.capacity, "PreparedWrites: no room")
        unsafe (entries + entryCount).initialize(to: entry)
        entryCount += 1
    }

    func removeAll() { entryCount = 0 }

    func removePieces() {
        unsafe pieces.removeAll(keepingCapacity: pieces.count <= PreparedWrites.keptPieces)
    }

    private static let keptPieces = 1024
}

@available(*, unavailable)
extension PreparedWrites: Sendable {}
