internal import CUV
internal import Glibc

/// Lets a thread wait until another one signals; a signal is kept until a thread waits for it.
@safe
public final class Semaphore: @unchecked Sendable {
    // Any thread may use a semaphore at any time (sem_overview(7)), and the pointer never changes.
    private let raw: UnsafeMutablePointer<sem_t>

    /// Makes a semaphore without signals.
    public init() {
        unsafe raw = .allocate(capacity: 1)
        _ = unsafe sem_init(raw, 0, 0)
    }

    deinit {
        _ = unsafe sem_destroy(raw)
        unsafe raw.deallocate()
    }

    /// Ends one `wait`.
    public func signal() {
        _ = unsafe sem_post(raw)
    }

    /// Waits for a signal.
    public func wait() {
        while unsafe sem_wait(raw) != 0 {}  // a signal handler ran
    }

    /// Waits for a signal, at most this long.
    public func wait(milliseconds: Int) {
        var end = timespec()
        _ = unsafe clock_gettime(CLOCK_REALTIME, &end)
        let nanoseconds = end.tv_nsec + milliseconds % 1000 * 1_000_000
        end.tv_sec += milliseconds / 1000 + nanoseconds / 1_000_000_000
        end.tv_nsec = nanoseconds % 1_000_000_000
        while unsafe sem_timedwait(raw, &end) != 0, errno == EINTR {}
    }
}
