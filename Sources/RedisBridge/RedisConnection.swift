internal import Bytes
internal import Glibc
internal import WSLoop

/// Takes what happens on a connection; called on the loop, and never from inside a method of the connection.
protocol RedisConnectionOwner: AnyObject {
    /// The socket is connected; commands may be sent.
    func connectionOpened(_ connection: RedisConnection)
    /// A reply or a pushed message arrived; it is lent for the call.
    func connection(_ connection: RedisConnection, received reply: RedisReply)
    /// The connection failed or broke, and is of no more use; not called after `close()`.
    func connectionEnded(_ connection: RedisConnection, _ failure: RedisLinkFailure)
}

/// One connection to Redis: a socket, hiredis' parser of what comes in, and what waits to go out.
///
/// It is made for one attempt and ended once. hiredis' own asynchronous contexts cannot be used
/// (docs/decisions/0012): version 0.14 has no way in for TLS, and aborts at a message of sharded pub/sub.
final class RedisConnection {
    private enum Phase { case connecting, open, ended }

    /// What a turn of the loop takes from Redis at most, so that a flood does not hold up the clients.
    private static let maxReadBytes = 262_144

    /// Where it goes, for messages.
    let address: SocketAddress
    /// When something was last read.
    private(set) var heardMilliseconds: UInt64
    private let loop: Loop
    private let descriptor: Int32
    private let watcher: PollWatcher
    private let replies: ReplyReader
    private let buffer = ReadBuffer(byteCount: RedisConnection.maxReadBytes)
    private weak let owner: (any RedisConnectionOwner)?
    private var phase = Phase.connecting
    private var output: [UInt8] = []
    private var sentBytes = 0

    /// Begins to connect; throws what the system says if it refuses at once.
    init(to address: SocketAddress, on loop: Loop, owner: any RedisConnectionOwner) throws(RedisLinkFailure) {
        guard let replies = ReplyReader() else { throw RedisLinkFailure("out of memory") }
        do throws(SystemError) {
            descriptor = try Socket.connect(to: address)
        } catch {
            throw RedisLinkFailure(errno: error.code)
        }
        do throws(SystemError) {
            watcher = try PollWatcher(on: loop, descriptor: descriptor)
        } catch {
            Socket.close(descriptor)
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
        guard phase != .ended else { return }
        command.append(to: &output)
        watcher.wait(for: [.readable, .writable])
    }

    /// Ends the connection at once; the owner hears no more of it.
    func close() {
        guard phase != .ended else { return }
        phase = .ended
        watcher.close()
        Socket.close(descriptor)
    }

    private func ready(_ readiness: Readiness) {
        switch phase {
        case .connecting: connected()
        case .open:
            if readiness.contains(.readable) { read() }
            if readiness.contains(.writable), phase == .open { write() }
        case .ended: break
        }
    }

    private func connected() {
        if let code = Socket.pendingError(descriptor) { return end(RedisLinkFailure(errno: code)) }
        phase = .open
        watcher.wait(for: output.isEmpty ? .readable : [.readable, .writable])
        owner?.connectionOpened(self)
    }

    private func read() {
        switch buffer.fill(from: descriptor) {
        case .bytes: buffer.withContent { received($0) }
        case .wouldBlock: break
        case .endOfStream: end(RedisLinkFailure("Redis closed the connection", isEndOfStream: true))
        case .failed(let code): end(RedisLinkFailure(errno: code))
        }
    }

    private func received(_ bytes: RawSpan) {
        heardMilliseconds = loop.nowMilliseconds
        let violation = replies.read(bytes) { reply in
            owner?.connection(self, received: reply)
            return phase == .open
        }
        if let violation { end(RedisLinkFailure(violation)) }
    }

    private func write() {
        while sentBytes < output.count {
            switch Socket.send(output.rawSpan, from: sentBytes, to: descriptor) {
            case .accepted(let count): sentBytes += count
            case .wouldBlock: return
            case .failed(let code): return end(RedisLinkFailure(errno: code))
            }
        }
        output.removeAll(keepingCapacity: output.count <= RedisConnection.maxReadBytes)
        sentBytes = 0
        watcher.wait(for: .readable)
    }

    private func end(_ failure: RedisLinkFailure) {
        guard phase != .ended else { return }
        close()
        owner?.connectionEnded(self, failure)
    }
}

@available(*, unavailable)
extension RedisConnection: Sendable {}
