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
        fill(from: descriptor, atMost: byteCount, at: 0)
    }

    /// Replaces the content by what the descriptor has to read, at most `byteCount` bytes of it, and leaves them there.
    public func peek(at descriptor: Int32, atMost byteCount: Int) -> Socket.ReadResult {
        fill(from: descriptor, atMost: byteCount, at: 0, flags: Int32(MSG_PEEK))
    }

    /// Replaces the content by `prefix` and what the descriptor has to read, at most `byteCount` bytes of it.
    ///
    /// - Parameter prefix: shorter than the buffer.
    /// - Returns: how many bytes were read.
    func fill(from descriptor: Int32, atMost byteCount: Int, behind prefix: [UInt8]) -> Socket.ReadResult {
        precondition(unsafe prefix.count < memory.count)
        unsafe memory.copyBytes(from: prefix)
        return fill(from: descriptor, atMost: byteCount, at: prefix.count)
    }

    /// Replaces the content by so many bytes that mean nothing and what the descriptor has to read.
    ///
    /// - Returns: how many bytes were read.
    func fill(
        from descriptor: Int32, atMost byteCount: Int, at offset: Int, flags: Int32 = 0
    ) -> Socket.ReadResult {
        precondition(unsafe offset < memory.count)
        count = 0
        let received = unsafe cuv_receive(
            descriptor, memory.baseAddress.unsafelyUnwrapped + offset, min(byteCount, memory.count - offset), flags)
        if received > 0 {
            count = offset + received
            return .bytes(received)
        }
        if received == 0 { return .endOfStream }
        return errno == EAGAIN || errno == EINTR ? .wouldBlock : .failed(errno: errno)
    }

    /// Lends the content to be changed.
    ///
    /// - Parameter body: returns how many bytes at the front are the content from now on.
    func replaceContent(_ body: (inout MutableRawSpan) -> Int) {
        var bytes = unsafe MutableRawSpan(
            _unsafeStart: memory.baseAddress.unsafelyUnwrapped, byteCount: count)
        let kept = body(&bytes)
        precondition(0...count ~= kept)
        count = kept
    }

    /// Lends the content; nothing may keep it.
    public func withContent(_ body: (RawSpan) -> Void) {
        unsafe body(RawSpan(_unsafeStart: memory.baseAddress.unsafelyUnwrapped, byteCount: count))
    }
}

@available(*, unavailable)
extension ReadBuffer: Sendable {}
