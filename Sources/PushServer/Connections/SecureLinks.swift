internal import Logging
internal import WSLoop

/// The TLS sessions of a loop's connections, and the encrypted bytes that the kernel has not accepted yet.
final class SecureLinks {
    private let context: LoopContext
    private let lives: ConnectionLives
    /// By descriptor; empty without TLS, so that a plain connection costs a comparison.
    @safe @exclusivity(unchecked) private var streams: ContiguousArray<SecureStream?> = []
    /// The sessions' encrypted output; created with the first session.
    private(set) var output: TLSOutput?
    /// Encrypted bytes of all connections that wait for the kernel.
    private(set) var unsentBytes = 0

    init(_ context: LoopContext, _ lives: ConnectionLives) {
        self.context = context
        self.lives = lives
    }

    /// Whether no connection has used TLS so far.
    var isEmpty: Bool { streams.isEmpty }

    /// The session of a descriptor's connection; nil if it is a plain one.
    func stream(_ descriptor: Int32) -> SecureStream? {
        Int(descriptor) < streams.count ? streams[Int(descriptor)] : nil
    }

    /// How many encrypted bytes of a descriptor's connection wait for the kernel.
    func unsentBytes(of descriptor: Int32) -> Int {
        stream(descriptor)?.unsentBytes ?? 0
    }

    /// Creates the session of an accepted connection.
    ///
    /// - Returns: false if there is no memory for one.
    func begin(_ connection: Connection, with tls: TLSContext) -> Bool {
        do throws(TLSFailure) {
            if output == nil { output = try TLSOutput() }
            guard let output else { return false }
            let session = try TLSSession(context: tls, accepted: connection.descriptor, output: output)
            while streams.count <= Int(connection.descriptor) { streams.append(nil) }
            streams[Int(connection.descriptor)] = SecureStream(connection, session)
            return true
        } catch {
            context.state.logger.warning("client refused", metadata: ["error": "\(error)"])
            return false
        }
    }

    /// Removes the session of a connection whose client does not use TLS.
    func makePlain(_ connection: Connection) {
        streams[Int(connection.descriptor)] = nil
    }

    /// Removes the session of a connection that ends; sends close_notify unless other output waits for the kernel.
    func end(_ connection: Connection) {
        guard let secure = stream(connection.descriptor) else { return }
        if secure.unsentBytes == 0, let output, output.count == 0 {
            secure.session.closeNotify()
            let part = secure.session.takeOutput()
            _ = output.send(part)
            output.release(part)
        }
        unsentBytes -= secure.unsentBytes
        streams[Int(connection.descriptor)] = nil
    }

    /// Keeps a part of the output that the kernel did not take.
    func keep(_ part: TLSOutput.Part, of secure: SecureStream) {
        guard let output else { return }
        secure.keep(part, of: output)
        unsentBytes += part.count
    }

    /// Sends the output that the session itself produced: handshake messages and alerts.
    ///
    /// - Returns: false if the connection is broken.
    func sendOutput(of secure: SecureStream) -> Bool {
        guard let output else { return true }
        let part = secure.session.takeOutput()
        guard part.count > 0 else { return true }
        keep(part, of: secure)
        output.release(part)
        return sendUnsent(of: secure)
    }

    /// Sends the kept bytes.
    ///
    /// - Returns: false if the connection is broken.
    func sendUnsent(of secure: SecureStream) -> Bool {
        let before = secure.unsentBytes
        let isOpen = secure.sendUnsent()
        unsentBytes -= before - secure.unsentBytes
        // Output of the session is not progress of its peer: the stall time of a blocked peer goes on.
        if isOpen, secure.unsentBytes > 0, !secure.connection.life.isBlocked { lives.waitForRoom(secure.connection) }
        return isOpen
    }
}
