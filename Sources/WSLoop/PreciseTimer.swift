internal import CUV
internal import Glibc

/// A one-shot timer with the kernel's resolution, for delays below the millisecond that libuv's timers count in.
public final class PreciseTimer {
    private let descriptor: Int32
    private let watcher: PollWatcher

    /// Makes a stopped timer.
    ///
    /// - Parameter fired: runs on the loop each time it has run down.
    public init(on loop: Loop, fired: @escaping () -> Void) throws(SystemError) {
        let descriptor = timerfd_create(CLOCK_MONOTONIC, Int32(CUV_TIMER_FLAGS))
        guard descriptor >= 0 else { throw SystemError(code: errno, operation: "timerfd_create") }
        do throws(SystemError) {
            watcher = try PollWatcher(on: loop, descriptor: descriptor)
        } catch {
            Socket.close(descriptor)
            throw error
        }
        self.descriptor = descriptor
        watcher.onReady { _ in
            var expirations: UInt64 = 0
            // Reading is what makes the descriptor wait again.
            _ = unsafe read(descriptor, &expirations, MemoryLayout<UInt64>.size)
            fired()
        }
        watcher.wait(for: .readable)
    }

    /// Starts, or starts anew: fires after the delay, at once if that is 0.
    public func start(afterNanoseconds delay: UInt64) {
        guard !watcher.isClosed else { return }
        let delay = max(delay, 1)  // zero would stop it (timerfd_settime(2))
        var setting = itimerspec()
        setting.it_value = timespec(tv_sec: Int(delay / 1_000_000_000), tv_nsec: Int(delay % 1_000_000_000))
        _ = unsafe timerfd_settime(descriptor, 0, &setting, nil)
    }

    /// Ends it for good.
    public func close() {
        let descriptor = descriptor
        watcher.close { Socket.close(descriptor) }
    }
}

@available(*, unavailable)
extension PreciseTimer: Sendable {}
