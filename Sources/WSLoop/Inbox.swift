internal import CUV
public import Synchronization

/// The entry to a loop for other threads: ordered messages, with one wake-up for all that arrive while the loop is
/// busy.
public final class Inbox<Message: Sendable>: Sendable {
    // What is inlinable is specialized for the messages of its users: without that, each post and each look at the
    // inbox would ask the runtime for generic metadata, at 700 instructions.
    @usableFromInline struct State {
        @usableFromInline var messages: [Message] = []
        @usableFromInline var wakeup: WakeupSignal?
        @usableFromInline var isClosed = false

        @usableFromInline init() {}
    }

    @usableFromInline let state = Mutex(State())

    /// Makes an inbox that keeps messages until its loop opens it.
    public init() {}

    /// Connects the inbox to its loop; call on the loop's thread only.
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

    /// Hands a message to the loop, unless the inbox is closed; may be called on any thread.
    ///
    /// - Parameter waking: false if the caller runs on that loop and checks the inbox itself before the loop sleeps.
    /// - Returns: false if the inbox is closed.
    @discardableResult
    @inlinable
    public func post(_ message: Message, waking: Bool = true) -> Bool {
        state.withLock { state in
            guard !state.isClosed else { return false }
            let isFirst = state.messages.isEmpty
            state.messages.append(message)
            // For later messages the first one's wake-up is still pending, or the loop is about to check the inbox
            // anyway.
            if isFirst, waking { state.wakeup?.send() }
            return true
        }
    }

    /// Removes and returns all messages, in order; call on the loop's thread only.
    @inlinable
    public func takeAll() -> [Message] {
        state.withLock { state in
            guard !state.messages.isEmpty else { return [] }
            var taken: [Message] = []
            swap(&taken, &state.messages)
            return taken
        }
    }

    /// Refuses messages from now on and closes the handle; call on the loop's thread only.
    public func close() {
        let wakeup = state.withLock { state -> WakeupSignal? in
            state.messages.removeAll()
            state.isClosed = true
            return state.wakeup.take()
        }
        wakeup?.closeHandle()
    }
}

/// The thread-safe interface of a `WakeupHandle`.
///
/// `uv_async_send` is the only libuv call that other threads may make, and only while the handle is open. The inbox
/// calls `send()` only under its lock, and removes the signal under the same lock before the loop closes the handle.
@safe
@usableFromInline struct WakeupSignal: @unchecked Sendable {
    private let handle: WakeupHandle

    @unsafe
    fileprivate init(handle: WakeupHandle) { self.handle = handle }

    @usableFromInline func send() { handle.send() }
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
