internal import Bytes
internal import WSLoop

/// The TLS session of a connection, with what it has encrypted and the kernel has not taken yet.
///
/// What is encrypted has to be sent: so a part of what waits is encrypted at a time, and no more before that is gone.
final class SecureStream {
    let connection: Connection
    let session: TLSSession
    /// Something has come of the client, which is taken for a handshake.
    var hasBegun = false
    private var unsent: [UInt8] = []
    private var sentBytes = 0

    init(_ connection: Connection, _ session: TLSSession) {
        self.connection = connection
        self.session = session
    }

    /// How many encrypted bytes wait for the kernel.
    var unsentBytes: Int { unsent.count - sentBytes }

    /// Keeps what the kernel did not take of the session's output.
    func keep(_ part: TLSOutput.Part, of output: TLSOutput) {
        precondition(part.descriptor == connection.descriptor, "SecureStream: bytes of another session")
        output.lend(part) { unsent.append($0) }
    }

    /// Sends as much of it as the kernel takes.
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
