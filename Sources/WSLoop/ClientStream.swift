/// A client's connection to a server, with TLS on it or without; confined to its loop's thread.
///
/// The caller waits for the descriptor's readiness, and ends the connection with `close`.
public struct ClientStream {
    /// What a secure connection needs: whom to trust, and whom to expect.
    public struct Security {
        let context: TLSContext
        let serverName: String

        /// Expects a server with a certificate for a DNS name or numeric address.
        public init(context: TLSContext, serverName: String) {
            self.context = context
            self.serverName = serverName
        }
    }

    /// Why a connection was not made, or broke.
    public enum Failure: Error, Equatable, Sendable, CustomStringConvertible {
        /// The system says so.
        case system(errno: Int32)
        /// TLS does.
        case tls(reason: String)

        /// In words.
        public var description: String {
            switch self {
            case .system(let code): OpenSSLError.words(errno: code)
            case .tls(let reason): "TLS: \(reason)"
            }
        }
    }

    /// How far the handshake is.
    public enum HandshakeResult: Equatable, Sendable {
        /// Bytes can be read and sent.
        case done
        /// To be called again when the descriptor is ready for this.
        case needs(Readiness)
        /// There is no connection.
        case failed(Failure)
    }

    /// What a read brought.
    public enum ReadResult: Equatable, Sendable {
        /// The buffer has what came.
        case bytes
        /// Nothing now.
        case wouldBlock
        /// Nothing more will come.
        case ended
        /// The connection broke.
        case failed(Failure)
    }

    /// What a send took.
    public enum WriteResult: Equatable, Sendable {
        /// So many bytes.
        case accepted(Int)
        /// Nothing now; over TLS the same bytes must be offered again.
        case wouldBlock
        /// The connection broke.
        case failed(Failure)
    }

    /// The socket.
    public let descriptor: Int32
    private let session: TLSSession?

    /// Begins to connect; throws what the system says if it refuses at once.
    public init(to address: SocketAddress, _ security: Security? = nil) throws(Failure) {
        do throws(SystemError) {
            descriptor = try Socket.connect(to: address)
        } catch {
            throw .system(errno: error.code)
        }
        do throws(TLSFailure) {
            session = try ClientStream.session(security, descriptor)
        } catch {
            Socket.close(descriptor)
            throw .tls(reason: "\(error)")
        }
    }

    private static func session(_ security: Security?, _ descriptor: Int32) throws(TLSFailure) -> TLSSession? {
        guard let security else { return nil }
        return try TLSSession(context: security.context, connected: descriptor, to: security.serverName)
    }

    /// Whether a read would bring the end, of which the socket's readiness does not tell.
    public var hasPendingInput: Bool { session?.hasPendingInput == true }

    /// Whether the TLS handshake is done, or there is none to make.
    public var isSecure: Bool { session?.isEstablished ?? true }

    /// Goes on with the TLS handshake, if it is not done, once the descriptor is ready.
    public func secure() -> HandshakeResult {
        guard let session, !session.isEstablished else { return .done }
        if let code = Socket.pendingError(descriptor) { return .failed(.system(errno: code)) }
        switch session.handshake() {
        case .done: return .done
        case .needs(let readiness): return .needs(readiness)
        case .failed(let reason): return .failed(.tls(reason: reason))
        }
    }

    /// Replaces the buffer's content by what has arrived; the handshake must be done.
    public func read(into buffer: ReadBuffer) -> ReadResult {
        guard let session else {
            switch buffer.fill(from: descriptor) {
            case .bytes: return .bytes
            case .wouldBlock: return .wouldBlock
            case .endOfStream: return .ended
            case .failed(let code): return .failed(.system(errno: code))
            }
        }
        switch session.read(into: buffer) {
        case .bytes: return .bytes
        case .wouldBlock: return .wouldBlock
        case .endOfStream, .truncated: return .ended
        case .failed(let reason): return .failed(.tls(reason: reason))
        }
    }

    /// Sends as much of `bytes`, from `offset` on, as the kernel takes; the handshake must be done.
    public func send(_ bytes: RawSpan, from offset: Int = 0) -> WriteResult {
        guard let session else {
            switch Socket.send(bytes, from: offset, to: descriptor) {
            case .accepted(let count): return .accepted(count)
            case .wouldBlock: return .wouldBlock
            case .failed(let code): return .failed(.system(errno: code))
            }
        }
        switch session.send(bytes, from: offset) {
        case .accepted(let count): return .accepted(count)
        case .wouldBlock: return .wouldBlock
        case .failed(let reason): return .failed(.tls(reason: reason))
        }
    }

    /// Says that nothing more will be sent; what comes can still be read.
    public func endWrites() {
        session?.closeNotify()
        Socket.shutdownWrites(descriptor)
    }

    /// Ends the connection at once.
    public func close() {
        session?.closeNotify()
        Socket.close(descriptor)
    }
}

@available(*, unavailable)
extension ClientStream: Sendable {}
