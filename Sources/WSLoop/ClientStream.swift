/// A connection to a server, or one that was accepted, with or without TLS; confined to its loop's thread.
///
/// The caller watches the descriptor's readiness and ends the connection with `close`.
public struct ClientStream {
    /// The settings of a secure connection: what to trust, and which server to expect.
    public struct Security: Sendable {
        let context: TLSContext
        let serverName: String

        /// Expects a server with a certificate for a DNS name or numeric address.
        public init(context: TLSContext, serverName: String) {
            self.context = context
            self.serverName = serverName
        }
    }

    /// Why a connection could not be made, or broke.
    public enum Failure: Error, Equatable, Sendable, CustomStringConvertible {
        /// A system call failed.
        case system(errno: Int32)
        /// TLS failed.
        case tls(reason: String)

        /// The failure in words.
        public var description: String {
            switch self {
            case .system(let code): OpenSSLError.words(errno: code)
            case .tls(let reason): "TLS: \(reason)"
            }
        }
    }

    /// The progress of the handshake.
    public enum HandshakeResult: Equatable, Sendable {
        /// Done: bytes can be read and sent.
        case done
        /// Call again when the descriptor is ready for this.
        case needs(Readiness)
        /// The handshake failed.
        case failed(Failure)
    }

    /// The result of a read.
    public enum ReadResult: Equatable, Sendable {
        /// The buffer holds the bytes read.
        case bytes
        /// Nothing to read now.
        case wouldBlock
        /// The peer has ended the stream.
        case ended
        /// The connection broke.
        case failed(Failure)
    }

    /// The result of a send.
    public enum WriteResult: Equatable, Sendable {
        /// This many bytes were accepted.
        case accepted(Int)
        /// Nothing was accepted now; over TLS, offer the same bytes again.
        case wouldBlock
        /// The connection broke.
        case failed(Failure)
    }

    /// The socket.
    public let descriptor: Int32
    private let session: TLSSession?

    /// Starts to connect; throws if the system refuses at once.
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

    /// Takes over a connected descriptor, with a server's TLS if there is a context; on failure it is closed.
    public init(accepted descriptor: Int32, _ context: TLSContext? = nil) throws(Failure) {
        self.descriptor = descriptor
        guard let context else {
            session = nil
            return
        }
        do throws(TLSFailure) {
            session = try TLSSession(context: context, accepted: descriptor)
        } catch {
            Socket.close(descriptor)
            throw .tls(reason: "\(error)")
        }
    }

    private static func session(_ security: Security?, _ descriptor: Int32) throws(TLSFailure) -> TLSSession? {
        guard let security else { return nil }
        return try TLSSession(context: security.context, connected: descriptor, to: security.serverName)
    }

    /// Whether a read would return the end of the stream, which the socket's readiness does not show.
    public var hasPendingInput: Bool { session?.hasPendingInput == true }

    /// Whether the connection has TLS.
    public var hasTLS: Bool { session != nil }

    /// Whether the TLS handshake is done or not needed.
    public var isSecure: Bool { session?.isEstablished ?? true }

    /// Continues the TLS handshake, if it is not done, once the descriptor is ready.
    public func secure() -> HandshakeResult {
        guard let session, !session.isEstablished else { return .done }
        if let code = Socket.pendingError(descriptor) { return .failed(.system(errno: code)) }
        switch session.handshake() {
        case .done: return .done
        case .needs(let readiness): return .needs(readiness)
        case .failed(let reason): return .failed(.tls(reason: reason))
        }
    }

    /// Replaces the buffer's content with the bytes that have arrived; the handshake must be done.
    public func read(into buffer: ReadBuffer, atMost byteCount: Int = .max) -> ReadResult {
        guard let session else {
            switch buffer.fill(from: descriptor, atMost: byteCount) {
            case .bytes: return .bytes
            case .wouldBlock: return .wouldBlock
            case .endOfStream: return .ended
            case .failed(let code): return .failed(.system(errno: code))
            }
        }
        switch session.read(into: buffer, atMost: byteCount) {
        case .bytes: return .bytes
        case .wouldBlock: return .wouldBlock
        case .endOfStream, .truncated: return .ended
        case .failed(let reason): return .failed(.tls(reason: reason))
        }
    }

    /// Sends as much of `bytes`, from `offset` on, as the kernel accepts; the handshake must be done.
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

    /// Announces that nothing more will be sent; input can still be read.
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
