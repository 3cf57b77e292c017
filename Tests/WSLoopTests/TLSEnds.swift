import Bytes
import COpenSSL
import Glibc

@testable import WSLoop

/// A server's session whose output is sent, as its owner does.
final class ServerEnd: TLSEnd {
    let session: TLSSession
    private let descriptor: Int32
    private let output: TLSOutput
    private var unsent: [UInt8] = []
    private var sealedBytes = 0

    init(_ context: TLSContext, _ descriptor: Int32) throws {
        self.descriptor = descriptor
        output = try TLSOutput()
        session = try TLSSession(context: context, accepted: descriptor, output: output)
    }

    var raw: OpaquePointer? { unsafe session.raw }
    var hasPendingInput: Bool { session.hasPendingInput }

    func handshake() -> TLSSession.HandshakeResult {
        let result = session.handshake()
        flush()
        return result
    }

    func read(into buffer: ReadBuffer, atMost byteCount: Int) -> TLSSession.ReadResult {
        defer { flush() }
        return session.read(into: buffer, atMost: byteCount)
    }

    func send(_ bytes: RawSpan, from offset: Int) -> TLSSession.WriteResult {
        if sealedBytes == 0 {
            session.seal(bytes.extracting(offset...))
            guard session.finishSealing() else { return .failed(reason: "broken") }
            sealedBytes = bytes.byteCount - offset
        }
        guard flush() else { return .wouldBlock }
        defer { sealedBytes = 0 }
        return .accepted(sealedBytes)
    }

    func closeNotify() {
        session.closeNotify()
        flush()
    }

    @discardableResult
    private func flush() -> Bool {
        let part = session.takeOutput()
        output.lend(part) { unsent.append($0) }
        output.release(part)
        while !unsent.isEmpty {
            guard case .accepted(let count) = Socket.send(unsent.rawSpan, to: descriptor) else { return false }
            unsent.removeFirst(count)
        }
        return true
    }
}

/// OpenSSL itself, including its records: the reference to interoperate with.
@safe
final class ReferenceEnd: TLSEnd {
    /// Retained because OpenSSL calls it.
    private let context: TLSContext
    private let session: OpaquePointer
    private let scratch: Ends
    private var isPending = false

    init(_ context: TLSContext, _ descriptor: Int32) throws {
        scratch = try Ends()
        self.context = context
        unsafe session = SSL_new(context.raw)
        unsafe SSL_set_fd(session, descriptor)
        unsafe SSL_ctrl(
            session, SSL_CTRL_MODE, Int(SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER), nil)
        switch context.role {
        case .client: unsafe SSL_set_connect_state(session)
        case .server:
            unsafe SSL_set_num_tickets(session, 2)
            unsafe SSL_set_accept_state(session)
        }
    }

    deinit { unsafe SSL_free(session) }

    var raw: OpaquePointer? { unsafe session }
    var hasPendingInput: Bool { isPending }

    func handshake() -> TLSSession.HandshakeResult {
        switch attempt({ unsafe SSL_do_handshake(session) }) {
        case nil: .done
        case .wouldBlock: .needs(unsafe SSL_want(session) == SSL_WRITING ? .writable : .readable)
        case .failed(let reason): .failed(reason: reason)
        default: .failed(reason: "closed")
        }
    }

    func read(into buffer: ReadBuffer, atMost byteCount: Int) -> TLSSession.ReadResult {
        var bytes = [UInt8](repeating: 0, count: min(byteCount, 16_384))
        var count = 0
        let stop = attempt { unsafe SSL_read_ex(session, &bytes, bytes.count, &count) }
        if let stop {
            isPending = false
            return stop
        }
        // A buffer can only be filled from a descriptor.
        _ = Socket.send(bytes.rawSpan.extracting(first: count), to: scratch.first)
        _ = buffer.fill(from: scratch.second)
        // Another read returns the reason.
        isPending = true
        return .bytes(count)
    }

    func send(_ bytes: RawSpan, from offset: Int) -> TLSSession.WriteResult {
        guard bytes.byteCount > offset else { return .accepted(0) }
        var count = 0
        let stop = unsafe bytes.withUnsafeBytes { bytes in
            attempt {
                unsafe SSL_write_ex(session, bytes.baseAddress.unsafelyUnwrapped + offset, bytes.count - offset, &count)
            }
        }
        switch stop {
        case nil: return .accepted(count)
        case .wouldBlock: return .wouldBlock
        case .failed(let reason): return .failed(reason: reason)
        default: return .failed(reason: "closed")
        }
    }

    func closeNotify() {
        unsafe SSL_shutdown(session)
    }

    /// Nil if the call succeeds.
    private func attempt(_ call: () -> Int32) -> TLSSession.ReadResult? {
        OpenSSLError.clear()
        let result = call()
        guard result <= 0 else { return nil }
        switch unsafe SSL_get_error(session, result) {
        case SSL_ERROR_WANT_READ, SSL_ERROR_WANT_WRITE: return .wouldBlock
        case SSL_ERROR_ZERO_RETURN: return .endOfStream
        case SSL_ERROR_SYSCALL: return .truncated
        default:
            let error = OpenSSLError.take()
            return error.isReason(SSL_R_UNEXPECTED_EOF_WHILE_READING) ? .truncated : .failed(reason: "\(error)")
        }
    }
}
