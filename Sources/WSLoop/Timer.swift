internal import CUV

/// A timer on the loop's clock (millisecond resolution).
@safe
public final class Timer: Handle {
    /// Makes a stopped timer.
    public init(on loop: Loop) throws(SystemError) {
        try unsafe super.init(on: loop, type: UV_TIMER, "uv_timer_init") {
            unsafe uv_timer_init(loop.raw, $0.assumingMemoryBound(to: uv_timer_t.self))
        }
    }

    /// Starts or restarts the timer: fires after `delayMilliseconds`, then every `intervalMilliseconds` unless that is
    /// 0.
    public func start(afterMilliseconds delayMilliseconds: UInt64, everyMilliseconds intervalMilliseconds: UInt64 = 0) {
        guard !isClosed else { return }
        _ = unsafe uv_timer_start(
            raw, { unsafe Handle.runAction($0?.pointee.data) }, delayMilliseconds, intervalMilliseconds)
    }

    /// Stops the timer; it can be started again.
    public func stop() {
        guard !isClosed else { return }
        _ = unsafe uv_timer_stop(raw)
    }

    /// Whether the timer is running.
    public var isActive: Bool {
        unsafe uv_is_active(memory.assumingMemoryBound(to: uv_handle_t.self)) != 0
    }

    private var raw: UnsafeMutablePointer<uv_timer_t> {
        unsafe memory.assumingMemoryBound(to: uv_timer_t.self)
    }
}
