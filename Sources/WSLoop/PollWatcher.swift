internal import CUV

/// Watches one descriptor that another object owns: a listening socket, a broker's connection, a nested epoll set.
@safe
public final class PollWatcher: Handle {
    private var action: ((Readiness) -> Void)?
    private var interest: Readiness = []

    /// Makes a watcher that does not wait for anything yet.
    ///
    /// Close the watcher before the descriptor.
    public init(on loop: Loop, descriptor: Int32) throws(SystemError) {
        try unsafe super.init(on: loop, type: UV_POLL, "uv_poll_init") {
            unsafe uv_poll_init(loop.raw, $0.assumingMemoryBound(to: uv_poll_t.self), descriptor)
        }
    }

    /// Sets the action that runs on the loop when the descriptor is ready.
    public func onReady(_ action: @escaping (Readiness) -> Void) {
        guard !isClosed else { return }
        self.action = action
    }

    /// Waits for `interest` from now on; an empty set stops watching.
    public func wait(for interest: Readiness) {
        guard !isClosed, interest != self.interest else { return }
        self.interest = interest
        let raw = unsafe memory.assumingMemoryBound(to: uv_poll_t.self)
        guard !interest.isEmpty else {
            _ = unsafe uv_poll_stop(raw)
            return
        }
        var events: Int32 = 0
        if interest.contains(.readable) { events |= Int32(UV_READABLE.rawValue) }
        if interest.contains(.writable) { events |= Int32(UV_WRITABLE.rawValue) }
        _ = unsafe uv_poll_start(raw, events) { unsafe PollWatcher.ready($0, status: $1, events: $2) }
    }

    /// The readiness it waits for.
    public var waitingFor: Readiness { interest }

    override func released() { action = nil }

    private static func ready(_ poll: UnsafeMutablePointer<uv_poll_t>?, status: Int32, events: Int32) {
        guard let watcher = unsafe Handle.owner(poll?.pointee.data, as: PollWatcher.self) else { return }
        // An error is reported as readiness: the owner's next read or write returns the error. libuv has stopped
        // watching, so an owner that continues must call `wait` again.
        guard status == 0 else {
            let interest = watcher.interest
            watcher.interest = []
            watcher.action?(interest)
            return
        }
        var readiness: Readiness = []
        if events & Int32(UV_READABLE.rawValue) != 0 { readiness.insert(.readable) }
        if events & Int32(UV_WRITABLE.rawValue) != 0 { readiness.insert(.writable) }
        watcher.action?(readiness)
    }
}
