internal import CUV
internal import Glibc

/// Receives the readiness of a set's streams.
public protocol StreamSetDelegate: AnyObject {
    /// A stream is ready; called on the loop.
    func streamReady(_ key: StreamKey, _ readiness: Readiness)
}

/// Identifies a stream in a set by its slot and a generation, which distinguishes successive users of the slot.
public struct StreamKey: Hashable, Sendable {
    /// The slot's index.
    public let slot: UInt32
    /// Counts the users of the slot.
    public let generation: UInt32

    /// Makes the key of a slot's user.
    public init(slot: UInt32, generation: UInt32) {
        self.slot = slot
        self.generation = generation
    }
}

/// All client sockets of a loop: one epoll set, nested in libuv's through a single poll handle.
///
/// A `uv_poll_t` for each socket would cost 160 bytes, and each event a detour through libuv. Here a socket costs no
/// user-space memory. Unread input is reported again in the next turn, except to those who wait `onlyChanges`.
@safe
public final class StreamSet {
    /// The most streams that are reported per turn, so that the others do not wait long for its end.
    ///
    /// To verify the token of a client that connects takes 0.1 ms. The next turn reports first what was left over.
    private static let batch = 128

    private let descriptor: Int32
    private let watcher: PollWatcher
    private let events: UnsafeMutableBufferPointer<epoll_event>
    private unowned let delegate: any StreamSetDelegate

    /// Makes an empty set on `loop`; the delegate must outlive it.
    public init(on loop: Loop, delegate: any StreamSetDelegate) throws(SystemError) {
        descriptor = epoll_create1(Int32(EPOLL_CLOEXEC))
        guard descriptor >= 0 else { throw SystemError(code: errno, operation: "epoll_create1") }
        do throws(SystemError) {
            watcher = try PollWatcher(on: loop, descriptor: descriptor)
        } catch {
            Socket.close(descriptor)
            throw error
        }
        unsafe events = .allocate(capacity: StreamSet.batch)
        self.delegate = delegate
        watcher.onReady { [weak self] _ in self?.dispatch() }
        watcher.wait(for: .readable)
    }

    deinit {
        unsafe events.deallocate()
    }

    /// Adds a descriptor that waits for `interest` under `key`.
    public func add(_ stream: Int32, key: StreamKey, interest: Readiness) throws(SystemError) {
        try check(control(EPOLL_CTL_ADD, stream, key, interest), "epoll_ctl add")
    }

    /// Changes the readiness that a member waits for.
    ///
    /// A hang-up is reported even with an empty interest.
    public func update(_ stream: Int32, key: StreamKey, interest: Readiness) {
        _ = control(EPOLL_CTL_MOD, stream, key, interest)
    }

    /// Removes a descriptor; call it before closing the descriptor.
    public func remove(_ stream: Int32) {
        _ = control(EPOLL_CTL_DEL, stream, StreamKey(slot: 0, generation: 0), [])
    }

    /// Closes the set; the caller must close the member descriptors.
    public func close() {
        let descriptor = descriptor
        watcher.close { Socket.close(descriptor) }
    }

    private func dispatch() {
        let count = unsafe epoll_wait(descriptor, events.baseAddress, Int32(StreamSet.batch), 0)
        guard count > 0 else { return }
        for index in 0..<Int(count) {
            let event = unsafe events[index]
            let data = unsafe event.data.u64
            let key = StreamKey(slot: UInt32(truncatingIfNeeded: data), generation: UInt32(data >> 32))
            delegate.streamReady(key, StreamSet.readiness(unsafe event.events))
        }
    }

    private func control(_ operation: Int32, _ stream: Int32, _ key: StreamKey, _ interest: Readiness) -> Int32 {
        var event = unsafe epoll_event()
        if interest.contains(.readable) { unsafe event.events |= EPOLLIN.rawValue | EPOLLRDHUP.rawValue }
        if interest.contains(.writable) { unsafe event.events |= EPOLLOUT.rawValue }
        if interest.contains(.onlyChanges) { unsafe event.events |= EPOLLET.rawValue }
        unsafe event.data.u64 = UInt64(key.generation) << 32 | UInt64(key.slot)
        let result = unsafe epoll_ctl(descriptor, operation, stream, &event)
        return result == 0 ? 0 : -errno
    }

    private static func readiness(_ events: UInt32) -> Readiness {
        var readiness: Readiness = []
        if events & (EPOLLIN.rawValue | EPOLLRDHUP.rawValue) != 0 { readiness.insert(.readable) }
        if events & EPOLLOUT.rawValue != 0 { readiness.insert(.writable) }
        if events & EPOLLRDHUP.rawValue != 0 { readiness.insert(.peerEnded) }
        if events & (EPOLLHUP.rawValue | EPOLLERR.rawValue) != 0 { readiness.insert(.hangUp) }
        return readiness
    }
}

@available(*, unavailable)
extension StreamSet: Sendable {}
