internal import Glibc

/// Pieces of memory to be written by one system call; one list per loop, used again and again.
@safe
public final class GatherList {
    /// How many pieces one call takes at most; far below the kernel's 1,024, past it a second call costs little.
    public static let capacity = 64

    let memory: UnsafeMutableBufferPointer<iovec>
    /// How many pieces are in it.
    public private(set) var count = 0

    /// Makes an empty list.
    public init() {
        unsafe memory = .allocate(capacity: GatherList.capacity)
    }

    deinit {
        unsafe memory.deallocate()
    }

    /// Empties the list.
    public func removeAll() {
        count = 0
    }

    /// Adds a piece; false if the list is full.
    ///
    /// The memory must stay as it is until the list was sent.
    @unsafe
    public func append(_ piece: UnsafeRawBufferPointer) -> Bool {
        guard count < GatherList.capacity else { return false }
        unsafe memory[count] = iovec(
            iov_base: UnsafeMutableRawPointer(mutating: piece.baseAddress), iov_len: piece.count)
        count += 1
        return true
    }
}

@available(*, unavailable)
extension GatherList: Sendable {}
