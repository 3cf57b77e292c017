internal import CUV
internal import Glibc

/// A loop's only read buffer, lent to the parsers of what just arrived; an idle connection owns none.
@safe
public final class ReadBuffer {
    private let memory: UnsafeMutableRawBufferPointer
    private var count = 0

    /// Makes a buffer; its pages take no memory until they are used.
    public init(byteCount: Int) {
        unsafe memory = .allocate(byteCount: byteCount, alignment: 64)
    }

    /// The number of bytes in the content.
    public var contentBytes: Int { count }

    /// The most bytes that the content can have.
    public var capacity: Int { unsafe memory.count }

    deinit {
        unsafe memory.deallocate()
    }

    /// Replaces the content with at most `byteCount` bytes read from the descriptor.
    public func fill(from descriptor: Int32, atMost byteCount: Int = .max) -> Socket.ReadResult {
        fill(from: descriptor, atMost: byteCount, at: 0)
    }

    /// Replaces the content with at most `byteCount` bytes of the descriptor, without removing them from the socket.
    public func peek(at descriptor: Int32, atMost byteCount: Int) -> Socket.ReadResult {
        fill(from: descriptor, atMost: byteCount, at: 0, flags: Int32(MSG_PEEK))
    }

    /// Replaces the content with `prefix` and at most `byteCount` bytes read from the descriptor.
    ///
    /// - Parameter prefix: must be shorter than the buffer.
    /// - Returns: the number of bytes read.
    func fill(from descriptor: Int32, atMost byteCount: Int, after prefix: [UInt8]) -> Socket.ReadResult {
        precondition(unsafe prefix.count < memory.count)
        unsafe memory.copyBytes(from: prefix)
        return fill(from: descriptor, atMost: byteCount, at: prefix.count)
    }

    /// Replaces the content with `offset` unspecified bytes followed by bytes read from the descriptor.
    ///
    /// - Returns: the number of bytes read.
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

    /// Replaces the content with what `receive` writes into the memory.
    ///
    /// - Parameter receive: returns the number of bytes, or a negative number and nothing.
    func replaceContent(_ receive: (UnsafeMutableRawBufferPointer) -> Int) -> Int {
        let received = unsafe receive(memory)
        count = max(received, 0)
        return received
    }

    /// Lends the content for modification.
    ///
    /// - Parameter body: returns how many bytes at the front remain as the content.
    func replaceContent(_ body: (inout MutableRawSpan) -> Int) {
        var bytes = unsafe MutableRawSpan(
            _unsafeStart: memory.baseAddress.unsafelyUnwrapped, byteCount: count)
        let kept = body(&bytes)
        precondition(0...count ~= kept)
        count = kept
    }

    /// Lends the content, which must not be kept.
    public func withContent(_ body: (RawSpan) -> Void) {
        unsafe body(RawSpan(_unsafeStart: memory.baseAddress.unsafelyUnwrapped, byteCount: count))
    }
}

@available(*, unavailable)
extension ReadBuffer: Sendable {}
