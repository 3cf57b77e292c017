internal import Bytes
internal import WSLoop

/// What a secure connection needs: whom to trust, and whom to expect.
struct RedisSecurity {
    let context: TLSContext
    /// The name that the certificate must be for, which is the one in the URL or in the map of the cluster.
    let serverName: String
}

/// A socket to Redis, with TLS on it or without.
struct RedisStream {
    enum ReadResult {
        case bytes
        case wouldBlock
        case ended
        case failed(RedisLinkFailure)
    }

    enum WriteResult {
        case accepted(Int)
        case wouldBlock
        case failed(RedisLinkFailure)
    }

    let descriptor: Int32
    private let session: TLSSession?

    /// Begins to connect.
    init(to address: SocketAddress, _ security: RedisSecurity?) throws(RedisLinkFailure) {
        do throws(SystemError) {
            descriptor = try Socket.connect(to: address)
        } catch {
            throw RedisLinkFailure(errno: error.code)
        }
        do throws(TLSFailure) {
            session = try RedisStream.session(security, descriptor)
        } catch {
            Socket.close(descriptor)
            throw RedisLinkFailure("TLS: \(error)")
        }
    }

    private static func session(_ security: RedisSecurity?, _ descriptor: Int32) throws(TLSFailure) -> TLSSession? {
        guard let security else { return nil }
        return try TLSSession(context: security.context, connected: descriptor, to: security.serverName)
    }

    /// Whether a read would bring the end, of which the socket's readiness does not tell.
    var hasPendingInput: Bool { session?.hasPendingInput == true }

    /// Goes on with the handshake on a socket that is connected.
    func secure() -> TLSSession.HandshakeResult {
        session?.handshake() ?? .done
    }

    func read(into buffer: ReadBuffer) -> ReadResult {
        if let session {
            switch session.read(into: buffer) {
            case .bytes: .bytes
            case .wouldBlock: .wouldBlock
            case .endOfStream, .truncated: .ended
            case .failed(let reason): .failed(RedisLinkFailure("TLS: \(reason)"))
            }
        } else {
            switch buffer.fill(from: descriptor) {
            case .bytes: .bytes
            case .wouldBlock: .wouldBlock
            case .endOfStream: .ended
            case .failed(let code): .failed(RedisLinkFailure(errno: code))
            }
        }
    }

    func send(_ bytes: RawSpan, from offset: Int) -> WriteResult {
        if let session {
            switch session.send(bytes, from: offset) {
            case .accepted(let count): .accepted(count)
            case .wouldBlock: .wouldBlock
            case .failed(let reason): .failed(RedisLinkFailure("TLS: \(reason)"))
            }
        } else {
            switch Socket.send(bytes, from: offset, to: descriptor) {
            case .accepted(let count): .accepted(count)
            case .wouldBlock: .wouldBlock
            case .failed(let code): .failed(RedisLinkFailure(errno: code))
            }
        }
    }

    func close() {
        session?.closeNotify()
        Socket.close(descriptor)
    }
}
