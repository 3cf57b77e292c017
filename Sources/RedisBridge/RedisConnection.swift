internal import CHiredis
internal import Glibc
internal import WSLoop

/// Takes what happens on a connection; called on the loop, and never from inside a method of the connection.
protocol RedisConnectionOwner: AnyObject {
    /// The socket is connected; commands may be sent.
    func connectionOpened(_ connection: RedisConnection)
    /// A reply or a pushed message arrived; it is lent for the call.
    func connection(_ connection: RedisConnection, received reply: RedisReply)
    /// The connection failed or broke, and is of no more use; not called after `close()`.
    func connectionEnded(_ connection: RedisConnection, reason: String)
}

/// One connection to Redis: a hiredis context and the watcher of its socket.
///
/// A context serves one connection and is ended once, by `close()` or by hiredis after an error. hiredis tells of both by
/// its cleanup hook, just before it closes the socket: there the watcher is closed, and the reference that the context
/// holds on this object is given back.
@safe
final class RedisConnection {
    /// Where it goes, for messages.
    let address: SocketAddress
    private var context: UnsafeMutablePointer<redisAsyncContext>?
    private let watcher: PollWatcher
    private weak let owner: (any RedisConnectionOwner)?
    private var isClosing = false

    /// Begins to connect; throws what the system says if it refuses at once.
    init(to address: SocketAddress, on loop: Loop, owner: any RedisConnectionOwner) throws(RedisConnectionFailure) {
        guard let context = unsafe RedisConnection.connect(address) else {
            throw RedisConnectionFailure(reason: "out of memory")
        }
        guard unsafe context.pointee.err == 0 else {
            let reason = unsafe RedisConnection.errorText(context)
            unsafe redisAsyncFree(context)
            throw RedisConnectionFailure(reason: reason)
        }
        // A program that this one starts must not keep the connection open.
        _ = unsafe fcntl(context.pointee.c.fd, F_SETFD, FD_CLOEXEC)
        do throws(SystemError) {
            watcher = try unsafe PollWatcher(on: loop, descriptor: context.pointee.c.fd)
        } catch {
            unsafe redisAsyncFree(context)
            throw RedisConnectionFailure(reason: "\(error)")
        }
        self.address = address
        self.owner = owner
        unsafe self.context = context
        watcher.onReady { [weak self] in self?.handle($0) }
        unsafe installHooks(context)
    }

    /// Sends a command; its reply, or what it makes Redis push, comes to the owner.
    func send(_ arguments: [[UInt8]]) {
        guard let context = unsafe context, !isClosing else { return }
        let lengths = arguments.map(\.count)
        // hiredis copies the arguments into its output buffer during the call.
        let joined = arguments.flatMap { $0 }
        _ = unsafe joined.withUnsafeBytes { bytes in
            var offset = 0
            var pointers = unsafe lengths.map { length in
                defer { offset += length }
                return unsafe bytes.baseAddress.map { unsafe ($0 + offset).assumingMemoryBound(to: CChar.self) }
            }
            return unsafe redisAsyncCommandArgv(
                context, { context, reply, _ in unsafe RedisConnection.replied(context, reply) }, nil,
                Int32(lengths.count), &pointers, lengths)
        }
    }

    /// Ends the connection at once; the owner hears no more of it.
    func close() {
        guard !isClosing, let context = unsafe context else { return }
        isClosing = true
        // Inside one of hiredis' callbacks this only marks the context, which is then freed when the callback returns.
        unsafe redisAsyncFree(context)
    }

    private func handle(_ readiness: Readiness) {
        // Either call may end the context.
        if readiness.contains(.readable), let context = unsafe context { unsafe redisAsyncHandleRead(context) }
        if readiness.contains(.writable), let context = unsafe context { unsafe redisAsyncHandleWrite(context) }
    }

    private func received(_ reply: RedisReply) {
        guard !isClosing else { return }
        owner?.connection(self, received: reply)
    }

    private func opened() {
        guard !isClosing else { return }
        owner?.connectionOpened(self)
    }

    private func ended() {
        let reason = unsafe context.map { unsafe RedisConnection.errorText($0) } ?? ""
        unsafe context = nil
        watcher.close()
        guard !isClosing else { return }
        owner?.connectionEnded(self, reason: reason)
    }
}

/// Why a connection could not even be begun.
struct RedisConnectionFailure: Error {
    let reason: String
}

extension RedisConnection {
    private static func connect(_ address: SocketAddress) -> UnsafeMutablePointer<redisAsyncContext>? {
        if let path = address.unixPath { return unsafe redisAsyncConnectUnix(path) }
        // The host is numeric: hiredis would look up a name with a blocking call.
        return unsafe redisAsyncConnect(address.host ?? "", Int32(address.port ?? 0))
    }

    private static func errorText(_ context: UnsafeMutablePointer<redisAsyncContext>) -> String {
        unsafe context.pointee.errstr.map { unsafe String(cString: $0) } ?? ""
    }

    private func installHooks(_ context: UnsafeMutablePointer<redisAsyncContext>) {
        let data = unsafe Unmanaged.passRetained(self).toOpaque()
        unsafe context.pointee.data = data
        unsafe context.pointee.ev.data = data
        unsafe context.pointee.ev.addRead = { unsafe RedisConnection.from($0)?.watch(adding: .readable) }
        unsafe context.pointee.ev.delRead = { unsafe RedisConnection.from($0)?.watch(removing: .readable) }
        unsafe context.pointee.ev.addWrite = { unsafe RedisConnection.from($0)?.watch(adding: .writable) }
        unsafe context.pointee.ev.delWrite = { unsafe RedisConnection.from($0)?.watch(removing: .writable) }
        unsafe context.pointee.ev.cleanup = { data in
            guard let data = unsafe data else { return }
            unsafe Unmanaged<RedisConnection>.fromOpaque(data).takeRetainedValue().ended()
        }
        // This begins to wait for the socket; a failed attempt is told by the cleanup hook.
        _ = unsafe redisAsyncSetConnectCallback(context) { context, status in
            guard status == REDIS_OK else { return }
            unsafe RedisConnection.from(context?.pointee.data)?.opened()
        }
    }

    private func watch(adding interest: Readiness) {
        watcher.wait(for: watcher.waitingFor.union(interest))
    }

    private func watch(removing interest: Readiness) {
        watcher.wait(for: watcher.waitingFor.subtracting(interest))
    }

    private static func from(_ data: UnsafeMutableRawPointer?) -> RedisConnection? {
        unsafe data.map { unsafe Unmanaged<RedisConnection>.fromOpaque($0).takeUnretainedValue() }
    }

    private static func replied(_ context: UnsafeMutablePointer<redisAsyncContext>?, _ reply: UnsafeMutableRawPointer?)
    {
        // Without a reply the context is being freed; `ended()` follows.
        guard let reply = unsafe reply, let connection = unsafe from(context?.pointee.data) else { return }
        unsafe connection.received(RedisReply(reply.assumingMemoryBound(to: redisReply.self)))
    }
}

@available(*, unavailable)
extension RedisConnection: Sendable {}
