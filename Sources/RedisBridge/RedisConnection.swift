internal import Bytes
internal import Glibc
internal import WSLoop

/// Takes what happens on a connection; called on the loop, and never from inside a method of the connection.
protocol RedisConnectionOwner: AnyObject {
    /// The connection is made, and secure if it was to be; commands may be sent.
    func connectionOpened(_ connection: RedisConnection)
    /// A reply or a pushed message arrived; it is lent for the call.
    func connection(_ connection: RedisConnection, received reply: RedisReply)
    /// The connection failed or broke, and is of no more use; not called after `close()`.
    func connectionEnded(_ connection: RedisConnection, _ failure: RedisLinkFailure)
}

/// One connection to Redis: a stream, hiredis' parser of what comes in, and what waits to go out.
///
/// It is made for one attempt and ended once. hiredis' own asynchronous contexts cannot be used
/// (docs/decisions/0012): version 0.14 has no way in for TLS, and aborts at a message of sharded pub/sub.
final class RedisConnection {
    private enum Phase { case connecting, securing, open, ended }

    /// What a turn of the loop takes from Redis at most, so that a flood does not hold up the clients.
    private static let maxReadBytes = 262_144

    /// Where it goes, for messages.
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
    /// Why nothing can be sent any more; what Redis had sent before is still read.
    private var sendFailure: RedisLinkFailure?

    /// Begins to connect; throws what the system says if it refuses at once.
    ///
    /// - Parameter maxStringBytes: longer strings arrive as nil.
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

    /// Sends a command; its reply, or what it makes Redis push, comes to the owner.
    func send(_ command: RedisCommand) {
        guard phase == .open, sendFailure == nil else { return }
        command.append(to: &output)
        watch()
    }

    /// Ends the connection at once; the owner hears no more of it.
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

    /// Redis may have said why before it closed, as it does when it has too many clients.
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
