internal import Bytes
internal import WSLoop

/// The TLS session of a connection, and the encrypted bytes that the kernel has not accepted yet.
///
/// Encrypted bytes must be sent, so only a part of the queue is encrypted at a time, and no more before that was sent.
final class SecureStream {
    let connection: Connection
    let session: TLSSession
    /// Whether the client has sent anything, which counts as the beginning of a handshake.
    var hasBegun = false
    private var unsent: [UInt8] = []
    private var sentBytes = 0

    init(_ connection: Connection, _ session: TLSSession) {
        self.connection = connection
        self.session = session
    }

    /// The number of encrypted bytes that wait for the kernel.
    var unsentBytes: Int { unsent.count - sentBytes }

    /// Keeps the part of the session's output that the kernel did not accept.
    func keep(_ part: TLSOutput.Part, of output: TLSOutput) {
        precondition(part.descriptor == connection.descriptor, "SecureStream: bytes of another session")
        output.lend(part) { unsent.append($0) }
    }

    /// Sends as much of the kept bytes as the kernel accepts.
    ///
    /// - Returns: false if the connection is broken.
    func sendUnsent() -> Bool {
        while unsentBytes > 0 {
            switch Socket.send(unsent.rawSpan, from: sentBytes, to: connection.descriptor) {
            case .accepted(let count): sentBytes += count
            case .wouldBlock: return true
            case .failed: return false
            }
        }
        unsent = []
        sentBytes = 0
        return true
    }
}
