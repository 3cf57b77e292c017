import Bytes
import Glibc
import WSLoop
import WebSocket

/// One connection: sends lines of standard input and prints received messages, until it is closed.
///
/// Standard input is read only while no output is waiting, so that a slow server slows down the process that writes to
/// us.
final class Session: StreamSetDelegate {
    private static let socketKey = StreamKey(slot: 0, generation: 0)
    private static let inputKey = StreamKey(slot: 1, generation: 0)
    private static let openingMilliseconds: UInt64 = 10_000
    private static let closingMilliseconds: UInt64 = 5_000

    private let loop: Loop
    private let listens: Bool
    private let deadline: Timer
    private let buffer = ReadBuffer(byteCount: 262_144)
    private var streams: StreamSet?
    private var untriedAddresses: [SocketAddress] = []
    private let security: ClientStream.Security?
    private var stream: ClientStream?
    private var isConnected = false
    private var conversation: Conversation
    private var input = LineInput()
    private var isInputWatched = false

    init(
        on loop: Loop, handshake: ClientHandshake, security: ClientStream.Security?, listens: Bool
    ) throws(SystemError) {
        self.security = security
        deadline = try Timer(on: loop)
        self.loop = loop
        self.listens = listens
        conversation = Conversation(handshake)
    }

    /// How the conversation ended.
    var verdict: Conversation.Verdict? { conversation.verdict }

    /// Starts; the loop stops at the end.
    func start(host: String, port: UInt16) throws(SystemError) {
        streams = try StreamSet(on: loop, delegate: self)
        deadline.onEvent { [unowned self] in end("no answer from the server within 10 s (1006)") }
        deadline.start(afterMilliseconds: Session.openingMilliseconds)
        NameLookup.start(host, port: port, on: loop) { [self] result in
            switch result {
            case .success(let addresses):
                untriedAddresses = addresses
                connect()
            case .failure(let error):
                end("\(error)")
            }
        }
    }

    func close() {
        disconnect()
        streams?.close()
        deadline.close()
    }

    func streamReady(_ key: StreamKey, _ readiness: Readiness) {
        let (wasOpen, wasClosing) = (conversation.isOpen, conversation.isClosing)
        if key == Session.inputKey {
            readInput()
        } else {
            guard secure() else { return }
            if readiness != .writable { receive() }
        }
        send()
        while wantsInput, !watchInput() {
            readInput()
            send()
        }
        if !wantsInput { unwatchInput() }
        if conversation.isOpen, !wasOpen { deadline.stop() }
        if conversation.isClosing, !wasClosing { deadline.start(afterMilliseconds: Session.closingMilliseconds) }
    }

    // MARK: The socket

    /// Tries the next address; `problem` is the failure of the previous one.
    private func connect(after problem: String? = nil) {
        disconnect()
        guard verdict == nil, !untriedAddresses.isEmpty else { return end(problem ?? "no address") }
        let address = untriedAddresses.removeFirst()
        do {
            let stream = try ClientStream(to: address, security)
            self.stream = stream
            try streams?.add(stream.descriptor, key: Session.socketKey, interest: [.readable, .writable])
        } catch {
            connect(after: "connect: \(error)")
        }
    }

    private func disconnect() {
        stream?.close()
        stream = nil
    }

    /// Continues the TLS handshake, if there is one; returns true when it is done.
    private func secure() -> Bool {
        guard let stream else { return true }
        switch stream.secure() {
        case .done: break
        case .needs(let readiness):
            streams?.update(stream.descriptor, key: Session.socketKey, interest: readiness)
        case .failed(let failure): connect(after: "connect: \(failure)")
        }
        return stream.isSecure
    }

    private func end(_ problem: String) {
        conversation.stop(problem)
        finish()
    }

    private func finish() {
        disconnect()
        loop.stop()
    }

    private func receive() {
        guard let stream else { return }
        switch stream.read(into: buffer) {
        case .bytes:
            buffer.withContent { content in
                let lines = conversation.receive(content)
                if !StandardStreams.write(lines, to: STDOUT_FILENO) { end("cannot write to standard output") }
                // Without an open WebSocket there is no closing handshake to wait for.
                if !conversation.isEstablished, verdict != nil { finish() }
            }
            if stream.hasPendingInput { receive() }
        case .wouldBlock: break
        case .ended:
            let missing = conversation.isEstablished ? "without a Close frame (1006)" : "before the handshake was done"
            end("the connection ended \(missing)")
        case .failed(let failure) where isConnected: end("receive: \(failure) (1006)")
        case .failed(let failure): connect(after: "connect: \(failure)")
        }
    }

    private func send() {
        guard let stream, stream.isSecure else { return }
        if !conversation.output.isEmpty {
            switch stream.send(conversation.output.rawSpan) {
            case .accepted(let count):
                isConnected = true
                conversation.output.removeFirst(count)
            case .wouldBlock: break
            // The server's last output and the end of the stream are still to be read.
            case .failed: conversation.output.removeAll()
            }
        }
        let isAllSent = conversation.output.isEmpty
        if isAllSent, verdict != nil { stream.endWrites() }
        streams?.update(
            stream.descriptor, key: Session.socketKey, interest: isAllSent ? .readable : [.readable, .writable])
    }

    // MARK: Standard input

    private var wantsInput: Bool {
        conversation.isOpen && stream != nil && conversation.output.isEmpty && !input.isAtEnd
    }

    /// Returns false if the loop cannot watch the input: a file is always readable.
    private func watchInput() -> Bool {
        if !isInputWatched {
            isInputWatched = (try? streams?.add(STDIN_FILENO, key: Session.inputKey, interest: .readable)) != nil
        }
        return isInputWatched
    }

    /// Removes it from the set, because a hang-up is reported even without interest.
    private func unwatchInput() {
        guard isInputWatched else { return }
        isInputWatched = false
        streams?.remove(STDIN_FILENO)
    }

    private func readInput() {
        guard wantsInput else { return }
        do throws(SystemError) {
            for line in try input.read() { conversation.send(line) }
        } catch {
            end("\(error)")
        }
        if input.isAtEnd, !listens { conversation.close(.normal) }
    }
}
