internal import Bytes
internal import Glibc
internal import WSLoop

/// Receives a connection's events; called on the loop, and never from inside a method of the connection.
protocol RedisConnectionOwner: AnyObject {
    /// The connection is established, including TLS if used; commands may be sent.
    func connectionOpened(_ connection: RedisConnection)
    /// A reply or a pushed message arrived; it is lent for the call.
    func connection(_ connection: RedisConnection, received reply: RedisReply)
    /// The connection failed or broke; not called after `close()`.
    func connectionEnded(_ connection: RedisConnection, _ failure: RedisLinkFailure)
}

/// One connection to Redis: a stream, hiredis' parser for input, and pending output.
///
/// It is used for one attempt and ended once. hiredis' own asynchronous contexts cannot be used (docs/decisions/0012):
/// version 0.14 cannot use our TLS, and aborts at a message of sharded pub/sub.
final class RedisConnection {
    private enum Phase { case connecting, securing, open, ended }

    /// The most bytes read from Redis in one loop turn, so that a flood does not delay the clients.
    private static let maxReadBytes = 262_144

    /// Its address, for error messages.
    let address: SocketAddress
    /// When something was last read.
    private(set) var heardMilliseconds: UInt64
    private let loop: Loop
    private let stream: ClientStream
    private let watcher: PollWatcher
    private let replies: ReplyReader
    private let buffer = ReadBuffer(byteCount: RedisConnection.maxReadBytes)
    private weak let owner: (any RedisConnectionOwner)?
    private var phase = Phase.connecting
    private var output: [UInt8] = []
    private var sentBytes = 0
    /// Why nothing more can be sent; earlier output of Redis is still read.
    private var sendFailure: RedisLinkFailure?

    /// Starts to connect; throws if the system refuses at once.
    ///
    /// - Parameter maxStringBytes: longer strings are received as nil.
    init(
        to address: SocketAddress, _ security: ClientStream.Security?, on loop: Loop, maxStringBytes: Int,
        owner: any RedisConnectionOwner
    ) throws(RedisLinkFailure) {
        guard let replies = ReplyReader(maxStringBytes: maxStringBytes) else { throw RedisLinkFailure("out of memory") }
        do throws(ClientStream.Failure) {
            stream = try ClientStream(to: address, security)
        } catch {
            throw RedisLinkFailure(error)
        }
        do throws(SystemError) {
            watcher = try PollWatcher(on: loop, descriptor: stream.descriptor)
        } catch {
            stream.close()
            throw RedisLinkFailure("\(error)")
        }
        self.address = address
        self.loop = loop
        self.owner = owner
        self.replies = replies
        heardMilliseconds = loop.nowMilliseconds
        watcher.onReady { [weak self] in self?.ready($0) }
        watcher.wait(for: .writable)
    }

    /// Sends a command; the owner receives its reply, or the messages that it makes Redis push.
    func send(_ command: RedisCommand) {
        guard phase == .open, sendFailure == nil else { return }
        command.append(to: &output)
        watch()
    }

    /// Ends the connection at once; the owner is not called any more.
    func close() {
        guard phase != .ended else { return }
        phase = .ended
        watcher.close()
        stream.close()
    }

    private func ready(_ readiness: Readiness) {
        switch phase {
        case .connecting: connected()
        case .securing: secure()
        case .open:
            if readiness.contains(.readable) { read() }
            if phase == .open, readiness.contains(.writable) { write() }
            if phase == .open { watch() }
        case .ended: break
        }
    }

    private func connected() {
        if let code = Socket.pendingError(stream.descriptor) { return end(RedisLinkFailure(errno: code)) }
        phase = .securing
        secure()
    }

    private func secure() {
        switch stream.secure() {
        case .done:
            phase = .open
            watch()
            owner?.connectionOpened(self)
        case .needs(let readiness): watcher.wait(for: readiness)
        case .failed(let failure): end(RedisLinkFailure(failure))
        }
    }

    private func watch() {
        watcher.wait(for: output.isEmpty ? .readable : [.readable, .writable])
    }

    private func read() {
        switch stream.read(into: buffer) {
        case .bytes:
            buffer.withContent { received($0) }
            if phase == .open, stream.hasPendingInput { read() }
        case .wouldBlock: if let sendFailure { end(sendFailure) }
        case .ended: end(RedisLinkFailure("Redis closed the connection", cut))
        case .failed(let reason): end(RedisLinkFailure(reason.description, cut))
        }
    }

    private var cut: RedisLinkFailure.Kind { replies.isMidReply ? .cutMidReply : .closed }

    private func received(_ bytes: RawSpan) {
        heardMilliseconds = loop.nowMilliseconds
        do throws(ReplyViolation) {
            try replies.read(bytes) { reply in
                owner?.connection(self, received: reply)
                return phase == .open
            }
        } catch {
            end(RedisLinkFailure(error.reason))
        }
    }

    private func write() {
        while sentBytes < output.count {
            switch stream.send(output.rawSpan, from: sentBytes) {
            case .accepted(let count): sentBytes += count
            case .wouldBlock: return
            case .failed(let failure): return cannotSend(RedisLinkFailure(failure))
            }
        }
        output.removeAll(keepingCapacity: output.count <= RedisConnection.maxReadBytes)
        sentBytes = 0
    }

    /// Keep reading: Redis may have sent the reason before it closed, for example that it has too many clients.
    private func cannotSend(_ failure: RedisLinkFailure) {
        sendFailure = failure
        output = []
        sentBytes = 0
        read()
    }

    private func end(_ failure: RedisLinkFailure) {
        guard phase != .ended else { return }
        close()
        owner?.connectionEnded(self, failure)
    }
}

@available(*, unavailable)
extension RedisConnection: Sendable {}
