internal import CUV
internal import Glibc

/// A one-shot timer with nanosecond resolution on the clock of `Loop.monotonicNanoseconds`.
///
/// libuv's timers have a resolution of milliseconds. Events that happen thousands of times per second need the kernel's
/// timerfd.
@safe
public final class FineTimer {
    private let descriptor: Int32
    private let watcher: PollWatcher

    /// Makes a stopped timer.
    public init(on loop: Loop) throws(SystemError) {
        // uv_hrtime reads the same clock.
        descriptor = timerfd_create(CLOCK_MONOTONIC, Int32(CUV_TIMER_FLAGS))
        guard descriptor >= 0 else { throw SystemError(code: errno, operation: "timerfd_create") }
        do throws(SystemError) {
            watcher = try PollWatcher(on: loop, descriptor: descriptor)
        } catch {
            Socket.close(descriptor)
            throw error
        }
        watcher.wait(for: .readable)
    }

    /// Sets the action that runs on the loop when the timer fires.
    public func onEvent(_ action: @escaping () -> Void) {
        let descriptor = descriptor
        watcher.onReady { _ in
            var expirations: UInt64 = 0
            // The descriptor stays readable until it is read.
            guard unsafe read(descriptor, &expirations, MemoryLayout<UInt64>.size) > 0 else { return }
            action()
        }
    }

    /// Starts or restarts the timer; it fires once, immediately if the time has passed.
    public func start(atNanoseconds nanoseconds: UInt64) {
        guard !watcher.isClosed else { return }
        var time = itimerspec()
        // A time of 0 would stop the timer.
        let value = max(nanoseconds, 1)
        time.it_value.tv_sec = Int(value / 1_000_000_000)
        time.it_value.tv_nsec = Int(value % 1_000_000_000)
        _ = unsafe timerfd_settime(descriptor, Int32(TFD_TIMER_ABSTIME), &time, nil)
    }

    /// Closes the timer; closing twice is harmless.
    public func close() {
        guard !watcher.isClosed else { return }
        let descriptor = descriptor
        watcher.close { Socket.close(descriptor) }
    }
}

@available(*, unavailable)
extension FineTimer: Sendable {}
