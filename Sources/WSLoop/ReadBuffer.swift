internal import CUV
internal import Glibc

/// The one read buffer of a loop, lent to whoever parses what just arrived; an idle connection owns none.
@safe
public final class ReadBuffer {
    private let memory: UnsafeMutableRawBufferPointer
    private var count = 0

    /// Makes a buffer; its pages cost nothing until they are used.
    public init(byteCount: Int) {
        unsafe memory = .allocate(byteCount: byteCount, alignment: 64)
    }

    deinit {
        unsafe memory.deallocate()
    }

    /// Replaces the content by what the descriptor has to read, at most `byteCount` bytes of it.
    public func fill(from descriptor: Int32, atMost byteCount: Int = .max) -> Socket.ReadResult {
        count = 0
        let received = unsafe recv(
            descriptor, memory.baseAddress, min(byteCount, memory.count), Int32(CUV_RECEIVE_FLAGS))
        if received > 0 {
            count = received
            return .bytes(received)
        }
        if received == 0 { return .endOfStream }
        return errno == EAGAIN || errno == EINTR ? .wouldBlock : .failed(errno: errno)
    }

    /// Replaces the content by what `body` writes to the memory that it gets, at most `byteCount` bytes.
    ///
    /// - Parameter body: returns how many bytes it wrote, from the front on.
    /// - Returns: the same count.
    func fill(atMost byteCount: Int, by body: (UnsafeMutableRawBufferPointer) -> Int) -> Int {
        let space = unsafe UnsafeMutableRawBufferPointer(rebasing: memory[..<min(byteCount, memory.count)])
        count = unsafe body(space)
        precondition(0...space.count ~= count)
        return count
    }

    /// Lends the content; nothing may keep it.
    public func withContent(_ body: (RawSpan) -> Void) {
        unsafe body(RawSpan(_unsafeStart: memory.baseAddress.unsafelyUnwrapped, byteCount: count))
    }
}

@available(*, unavailable)
extension ReadBuffer: Sendable {}
