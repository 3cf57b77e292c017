internal import CUV

/// Runs an action at the end of every turn, just before the loop waits for events.
///
/// Publishes during a turn only mark channels; this is where they are written.
@safe
public final class BeforeSleepHook: Handle {
    /// Starts the hook.
    public init(on loop: Loop) throws(SystemError) {
        try unsafe super.init(on: loop, type: UV_PREPARE, "uv_prepare_init") {
            unsafe uv_prepare_init(loop.raw, $0.assumingMemoryBound(to: uv_prepare_t.self))
        }
        let raw = unsafe memory.assumingMemoryBound(to: uv_prepare_t.self)
        // Starting a fresh prepare handle cannot fail (uv_prepare_start only refuses a null callback).
        _ = unsafe uv_prepare_start(raw) { unsafe Handle.runAction($0?.pointee.data) }
    }
}
