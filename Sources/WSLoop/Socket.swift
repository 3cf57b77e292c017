internal import CUV
internal import Glibc

/// Non-blocking calls on a stream socket's descriptor.
public enum Socket {
    /// The result of a read.
    public enum ReadResult: Equatable, Sendable {
        case bytes(Int)
        case wouldBlock
        case endOfStream
        case failed(errno: Int32)
    }

    /// The result of a write.
    public enum WriteResult: Equatable, Sendable {
        case accepted(Int)
        case wouldBlock
        case failed(errno: Int32)

        /// - Parameter result: the number of bytes written, or a negated errno.
        init(_ result: Int) {
            guard result < 0 else {
                self = .accepted(result)
                return
            }
            let code = Int32(-result)
            self = code == EAGAIN || code == EINTR ? .wouldBlock : .failed(errno: code)
        }
    }

    /// Sends as much of `bytes`, from `offset` on, as the kernel accepts.
    public static func send(_ bytes: RawSpan, from offset: Int = 0, to descriptor: Int32) -> WriteResult {
        unsafe bytes.withUnsafeBytes { buffer in
            guard let base = buffer.baseAddress else { return .accepted(0) }
            let count = unsafe cuv_send(descriptor, base + offset, buffer.count - offset)
            return WriteResult(count < 0 ? -Int(errno) : count)
        }
    }

    /// The number of sent bytes that the peer has not acknowledged yet.
    public static func unacknowledgedBytes(_ descriptor: Int32) -> Int32 {
        var count: Int32 = 0
        return unsafe ioctl(descriptor, UInt(TIOCOUTQ), &count) == 0 ? count : 0
    }

    /// The first unread byte, which stays in the socket; nil if there is none.
    public static func peek(_ descriptor: Int32) -> UInt8? {
        var byte: UInt8 = 0
        return unsafe recv(descriptor, &byte, 1, Int32(CUV_RECEIVE_FLAGS) | Int32(MSG_PEEK)) == 1 ? byte : nil
    }

    /// Whether the peer has ended the stream and all bytes were read, or the connection is broken.
    public static func isAtEnd(_ descriptor: Int32) -> Bool {
        var byte: UInt8 = 0
        let count = unsafe recv(descriptor, &byte, 1, Int32(CUV_RECEIVE_FLAGS) | Int32(MSG_PEEK))
        return count == 0 || count < 0 && errno != EAGAIN && errno != EINTR
    }

    /// Ends the connection when the peer has acknowledged nothing of what was sent for this long (TCP_USER_TIMEOUT).
    ///
    /// Otherwise the kernel takes a quarter of an hour to find out that a peer is gone.
    public static func limitUnacknowledgedTime(_ descriptor: Int32, milliseconds: Int32) {
        setOption(descriptor, Int32(IPPROTO_TCP), TCP_USER_TIMEOUT, milliseconds)
    }

    /// Stops sending, so that the peer reads an end of stream after the last byte.
    public static func shutdownWrites(_ descriptor: Int32) {
        _ = shutdown(descriptor, Int32(SHUT_WR))
    }

    /// Closes the descriptor; remove it from every set and watcher before.
    public static func close(_ descriptor: Int32) {
        _ = Glibc.close(descriptor)
    }

    /// Sets the options of a listening TCP socket, which every accepted stream inherits.
    ///
    /// They are: no Nagle delay, little unsent data inside the kernel, and accepting only when a client has sent
    /// something.
    ///
    /// Without TCP_NOTSENT_LOWAT the kernel accepts 4 MiB for a client that never reads, before the outbox notices
    /// anything. TCP_DEFER_ACCEPT saves the loop a wake-up for each client (docs/decisions/0011); a silent client is
    /// accepted after `deferralSeconds`.
    static func configure(listening descriptor: Int32, unsentLowWaterBytes: Int32, deferralSeconds: Int32) {
        setOption(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, 1)
        setOption(descriptor, Int32(IPPROTO_TCP), TCP_DEFER_ACCEPT, deferralSeconds)
        setOption(descriptor, Int32(IPPROTO_TCP), Int32(CUV_TCP_NOTSENT_LOWAT), unsentLowWaterBytes)
    }

    /// Opens a non-blocking descriptor and prepares it; if that fails, closes it and throws the errno of the failure.
    ///
    /// - Parameters:
    /// - type: SOCK_STREAM or SOCK_DGRAM.
    /// - operation: what is attempted, for the error.
    /// - prepare: connects or binds the descriptor; false if a call failed, with errno set.
    static func open(_ family: Int32, _ type: Int32, _ operation: String, prepare: (Int32) -> Bool)
        throws(SystemError) -> Int32
    {
        let descriptor = socket(family, type | Int32(CUV_SOCK_FLAGS), 0)
        guard descriptor >= 0 else { throw SystemError(code: errno, operation: operation) }
        guard prepare(descriptor) else {
            let code = errno
            close(descriptor)
            throw SystemError(code: code, operation: operation)
        }
        return descriptor
    }

    static func setOption(_ descriptor: Int32, _ level: Int32, _ option: Int32, _ value: Int32) {
        var value = value
        _ = unsafe setsockopt(descriptor, level, option, &value, socklen_t(MemoryLayout<Int32>.size))
    }
}
