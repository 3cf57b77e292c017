internal import CUV
internal import Synchronization

/// The way into a loop from other threads: messages in order, one wake-up for all that arrive while the loop is busy.
public final class Inbox<Message: Sendable>: Sendable {
    private struct State {
        var messages: [Message] = []
        var wakeup: WakeupSignal?
        var isClosed = false
    }

    private let state = Mutex(State())

    /// Makes an inbox that keeps what is posted until its loop opens it.
    public init() {}

    /// Connects the inbox to its loop; loop thread only.
    ///
    /// - Parameter woken: runs on the loop after messages were posted; it calls `takeAll()`.
    public func open(on loop: Loop, woken: @escaping () -> Void) throws(SystemError) {
        let handle = try WakeupHandle(on: loop)
        handle.onEvent(woken)
        let signal = unsafe WakeupSignal(handle: handle)
        state.withLock { state in
            state.wakeup = signal
            if !state.messages.isEmpty { signal.send() }
        }
    }

    /// Hands a message to the loop, unless the inbox is closed; any thread.
    ///
    /// - Parameter waking: false if the caller runs on that loop and looks into the inbox itself before it sleeps.
    /// - Returns: false if the inbox is closed.
    @discardableResult
    public func post(_ message: Message, waking: Bool = true) -> Bool {
        state.withLock { state in
            guard !state.isClosed else { return false }
            let isFirst = state.messages.isEmpty
            state.messages.append(message)
            // A later message finds the wake-up of the first one pending, or the loop about to look anyway.
            if isFirst, waking { state.wakeup?.send() }
            return true
        }
    }

    /// Takes what has arrived, in order; loop thread only.
    public func takeAll() -> [Message] {
        state.withLock { state in
            guard !state.messages.isEmpty else { return [] }
            var taken: [Message] = []
            swap(&taken, &state.messages)
            return taken
        }
    }

    /// Refuses messages from now on and closes the handle; loop thread only.
    public func close() {
        let wakeup = state.withLock { state -> WakeupSignal? in
            state.messages.removeAll()
            state.isClosed = true
            return state.wakeup.take()
        }
        wakeup?.closeHandle()
    }
}

/// The thread-safe face of a `WakeupHandle`.
///
/// `uv_async_send` is the one libuv call that other threads may make, while the handle is open. The inbox calls `send()`
/// only under its lock and takes the signal away, under the same lock, before the handle is closed on its loop.
@safe
private struct WakeupSignal: @unchecked Sendable {
    private let handle: WakeupHandle

    @unsafe
    init(handle: WakeupHandle) { self.handle = handle }

    func send() { handle.send() }
    func closeHandle() { handle.close() }
}

@safe
private final class WakeupHandle: Handle {
    init(on loop: Loop) throws(SystemError) {
        try unsafe super.init(on: loop, type: UV_ASYNC, "uv_async_init") {
            unsafe uv_async_init(loop.raw, $0.assumingMemoryBound(to: uv_async_t.self)) {
                unsafe Handle.runAction($0?.pointee.data)
            }
        }
    }

    func send() {
        _ = unsafe uv_async_send(memory.assumingMemoryBound(to: uv_async_t.self))
    }
}
