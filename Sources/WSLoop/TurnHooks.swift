internal import CUV

/// Runs an action in every turn right after the loop has waited for events and handled them.
@safe
public final class AfterPollHook: Handle {
    /// Starts the hook.
    public init(on loop: Loop) throws(SystemError) {
        try unsafe super.init(on: loop, type: UV_CHECK, "uv_check_init") {
            unsafe uv_check_init(loop.raw, $0.assumingMemoryBound(to: uv_check_t.self))
        }
        let raw = unsafe memory.assumingMemoryBound(to: uv_check_t.self)
        // Starting a fresh handle cannot fail (uv_check_start only refuses a null callback).
        _ = unsafe uv_check_start(raw) { unsafe Handle.runAction($0?.pointee.data) }
    }
}

/// Keeps the loop from sleeping while it is started: the loop only looks for events and goes on.
@safe
public final class WakefulHook: Handle {
    // Starting and stopping are called in every turn, so they do nothing if nothing changes.
    private var isStarted = false

    /// Makes a stopped hook.
    public init(on loop: Loop) throws(SystemError) {
        try unsafe super.init(on: loop, type: UV_IDLE, "uv_idle_init") {
            unsafe uv_idle_init(loop.raw, $0.assumingMemoryBound(to: uv_idle_t.self))
        }
    }

    /// Keeps the loop awake from now on, or no longer.
    public func keepAwake(_ awake: Bool) {
        guard !isClosed, awake != isStarted else { return }
        isStarted = awake
        let raw = unsafe memory.assumingMemoryBound(to: uv_idle_t.self)
        _ = unsafe awake ? uv_idle_start(raw) { _ in } : uv_idle_stop(raw)
    }
}
