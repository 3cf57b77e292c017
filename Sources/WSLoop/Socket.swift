internal import CUV
internal import Glibc

/// The non-blocking calls on a stream socket's descriptor.
public enum Socket {
    /// What a read brought.
    public enum ReadResult: Equatable, Sendable {
        case bytes(Int)
        case wouldBlock
        case endOfStream
        case failed(errno: Int32)
    }

    /// What a write took.
    public enum WriteResult: Equatable, Sendable {
        case accepted(Int)
        case wouldBlock
        case failed(errno: Int32)

        /// - Parameter result: the count of bytes taken, or a negated errno.
        init(_ result: Int) {
            guard result < 0 else {
                self = .accepted(result)
                return
            }
            let code = Int32(-result)
            self = code == EAGAIN || code == EINTR ? .wouldBlock : .failed(errno: code)
        }
    }

    /// Sends as much of `bytes`, from `offset` on, as the kernel takes.
    public static func send(_ bytes: RawSpan, from offset: Int = 0, to descriptor: Int32) -> WriteResult {
        unsafe bytes.withUnsafeBytes { buffer in
            guard let base = buffer.baseAddress else { return .accepted(0) }
            let count = unsafe cuv_send(descriptor, base + offset, buffer.count - offset)
            return WriteResult(count < 0 ? -Int(errno) : count)
        }
    }

    /// How many bytes the kernel still holds that the peer has not acknowledged.
    public static func unacknowledgedBytes(_ descriptor: Int32) -> Int32 {
        var count: Int32 = 0
        return unsafe ioctl(descriptor, UInt(TIOCOUTQ), &count) == 0 ? count : 0
    }

    /// The first byte that waits to be read, which it leaves there; nil if there is none.
    public static func peek(_ descriptor: Int32) -> UInt8? {
        var byte: UInt8 = 0
        return unsafe recv(descriptor, &byte, 1, Int32(CUV_RECEIVE_FLAGS) | Int32(MSG_PEEK)) == 1 ? byte : nil
    }

    /// Whether the peer has sent its last byte, and all were read; or the connection is broken.
    public static func isAtEnd(_ descriptor: Int32) -> Bool {
        var byte: UInt8 = 0
        let count = unsafe recv(descriptor, &byte, 1, Int32(CUV_RECEIVE_FLAGS) | Int32(MSG_PEEK))
        return count == 0 || count < 0 && errno != EAGAIN && errno != EINTR
    }

    /// Stops sending, so that the peer reads an end of stream after what was sent.
    public static func shutdownWrites(_ descriptor: Int32) {
        _ = shutdown(descriptor, Int32(SHUT_WR))
    }

    /// Closes the descriptor; it must be out of every set and watcher.
    public static func close(_ descriptor: Int32) {
        _ = Glibc.close(descriptor)
    }

    /// Sets on a listening TCP socket what every stream accepted from it inherits, no Nagle delay and little unsent data inside
    /// the kernel, and defers accepting until a client has sent something.
    ///
    /// Without TCP_NOTSENT_LOWAT the kernel takes 4 MiB for a client that never reads, before the outbox sees anything.
    /// TCP_DEFER_ACCEPT saves the loop a wake-up for each client (docs/decisions/0011); one that stays silent comes through
    /// when that time is over.
    static func configure(listening descriptor: Int32, unsentLowWaterBytes: Int32, deferralSeconds: Int32) {
        setOption(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, 1)
        setOption(descriptor, Int32(IPPROTO_TCP), TCP_DEFER_ACCEPT, deferralSeconds)
        setOption(descriptor, Int32(IPPROTO_TCP), Int32(CUV_TCP_NOTSENT_LOWAT), unsentLowWaterBytes)
    }

    static func setOption(_ descriptor: Int32, _ level: Int32, _ option: Int32, _ value: Int32) {
        var value = value
        _ = unsafe setsockopt(descriptor, level, option, &value, socklen_t(MemoryLayout<Int32>.size))
    }
}
