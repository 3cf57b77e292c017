internal import CUV
internal import Glibc

/// An accepted client's socket; the receiver must close it.
public struct AcceptedStream: Sendable {
    /// The non-blocking descriptor.
    public let descriptor: Int32
    /// The client's address.
    public let peer: SocketAddress
    /// How long the kernel has held the connection back if the client has sent nothing yet.
    public let deferralMilliseconds: UInt64
}

/// A listening TCP or unix-domain socket.
public final class Listener {
    private static let acceptsPerTurn = 256
    private static let backlog: Int32 = 4096
    private static let retryMilliseconds: UInt64 = 100
    private static let deferralSeconds: Int32 = 1

    /// The address it listens on; if port 0 was requested, with the port that the kernel chose.
    public let address: SocketAddress
    private let descriptor: Int32
    private let deferralSeconds: Int32
    private let watcher: PollWatcher
    private let retryTimer: Timer
    private let accepted: (AcceptedStream) -> Void
    private let starved: (SystemError) -> Void

    /// Binds and listens; call `resume()` to start accepting.
    ///
    /// - Parameters:
    /// - unsentLowWaterBytes: how much unsent data the kernel may hold for one client (TCP_NOTSENT_LOWAT).
    /// - starved: called when accepting pauses for lack of descriptors or memory; it resumes by itself.
    /// - accepted: receives each new client, on the loop.
    /// - defersSilentClients: accepts a client of TCP when it has sent something, or after a second.
    public init(
        on loop: Loop, address: SocketAddress, unsentLowWaterBytes: Int32, defersSilentClients: Bool = true,
        starved: @escaping (SystemError) -> Void, accepted: @escaping (AcceptedStream) -> Void
    ) throws(SystemError) {
        deferralSeconds = defersSilentClients && address.unixPath == nil ? Listener.deferralSeconds : 0
        descriptor = try Listener.open(address)
        self.address = address.unixPath == nil ? SocketAddress(boundTo: descriptor) : address
        if address.unixPath == nil {
            Socket.configure(
                listening: descriptor, unsentLowWaterBytes: unsentLowWaterBytes,
                deferralSeconds: deferralSeconds)
        }
        do throws(SystemError) {
            watcher = try PollWatcher(on: loop, descriptor: descriptor)
            do throws(SystemError) {
                retryTimer = try Timer(on: loop)
            } catch {
                watcher.close()
                throw error
            }
        } catch {
            Socket.close(descriptor)
            throw error
        }
        self.starved = starved
        self.accepted = accepted
        watcher.onReady { [weak self] _ in self?.acceptSome() }
        retryTimer.onEvent { [weak self] in self?.resume() }
    }

    /// Starts accepting.
    public func resume() {
        watcher.wait(for: .readable)
    }

    /// Stops accepting; clients wait in the kernel's queue until that is full.
    public func pause() {
        retryTimer.stop()
        watcher.wait(for: [])
    }

    /// Closes the socket and removes a unix socket's file.
    public func close() {
        guard !watcher.isClosed else { return }
        retryTimer.close()
        let descriptor = descriptor
        watcher.close { Socket.close(descriptor) }
        if let path = address.unixPath { _ = unsafe unlink(path) }
    }

    private func acceptSome() {
        let deferralMilliseconds = UInt64(deferralSeconds) * 1000
        for _ in 0..<Listener.acceptsPerTurn where !watcher.isClosed {
            var stream: Int32 = -1
            let peer = unsafe SocketAddress.read { address, length in
                stream = unsafe accept4(descriptor, address, length, Int32(CUV_SOCK_FLAGS))
                return stream
            }
            guard stream >= 0 else {
                acceptFailed(errno)
                return
            }
            accepted(AcceptedStream(descriptor: stream, peer: peer, deferralMilliseconds: deferralMilliseconds))
        }
    }

    /// Level-triggered polling would spin on a queue that cannot be accepted from, so accepting pauses for a moment.
    private func acceptFailed(_ code: Int32) {
        guard [EMFILE, ENFILE, ENOBUFS, ENOMEM].contains(code) else { return }
        watcher.wait(for: [])
        retryTimer.start(afterMilliseconds: Listener.retryMilliseconds)
        starved(SystemError(code: code, operation: "accept on \(address)"))
    }

    private static func open(_ address: SocketAddress) throws(SystemError) -> Int32 {
        if let path = address.unixPath { removeStale(path, address) }
        return try Socket.open(address.family, Int32(CUV_SOCK_STREAM), "listen on \(address)") { descriptor in
            if address.unixPath == nil { Socket.setOption(descriptor, SOL_SOCKET, SO_REUSEADDR, 1) }
            // `[::]` accepts IPv4 clients too, whatever net.ipv6.bindv6only says.
            if address.family == AF_INET6 { Socket.setOption(descriptor, Int32(IPPROTO_IPV6), IPV6_V6ONLY, 0) }
            return unsafe address.withKernelForm { unsafe bind(descriptor, $0, $1) } == 0
                && listen(descriptor, backlog) == 0
        }
    }

    /// A unix socket's file outlives a killed server: remove it if no server answers on it.
    private static func removeStale(_ path: String, _ address: SocketAddress) {
        var status = stat()
        guard unsafe lstat(path, &status) == 0, status.st_mode & S_IFMT == S_IFSOCK else { return }
        let probe = socket(AF_UNIX, Int32(CUV_SOCK_STREAM) | Int32(CUV_SOCK_FLAGS), 0)
        guard probe >= 0 else { return }
        defer { Socket.close(probe) }
        let result = unsafe address.withKernelForm { unsafe connect(probe, $0, $1) }
        if result != 0, errno == ECONNREFUSED { _ = unsafe unlink(path) }
    }
}

@available(*, unavailable)
extension Listener: Sendable {}
