internal import CUV

/// Reports to the loop when the process receives a signal.
@safe
public final class SignalWatcher: Handle {
    /// Starts watching `signal`; several loops may watch the same one.
    public init(on loop: Loop, signal: Int32) throws(SystemError) {
        try unsafe super.init(on: loop, type: UV_SIGNAL, "uv_signal_init") {
            unsafe uv_signal_init(loop.raw, $0.assumingMemoryBound(to: uv_signal_t.self))
        }
        let raw = unsafe memory.assumingMemoryBound(to: uv_signal_t.self)
        let result = unsafe uv_signal_start(raw, { signal, _ in unsafe Handle.runAction(signal?.pointee.data) }, signal)
        if result < 0 {
            close()
            throw SystemError(code: result, operation: "watch signal \(signal)")
        }
    }
}
