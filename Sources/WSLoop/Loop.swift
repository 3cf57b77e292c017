internal import CUV
internal import Glibc

/// A libuv event loop, confined to the thread that runs it.
///
/// Everything that belongs to a loop (handles, stream sets, connections) is used on its thread only; other threads
/// reach it through an `Inbox`. A loop counts its open handles, and `close()` traps if one was not closed, because
/// memory that libuv may still write to must not be freed (libuv design overview, "Handles and requests").
@safe
public final class Loop {
    let raw: UnsafeMutablePointer<uv_loop_t>
    private(set) var liveHandles = 0
    /// Lookups without an answer so far.
    private var lookups: [ObjectIdentifier: NameLookup] = [:]
    private var isClosed = false

    /// Makes a loop that is not running yet.
    public init() throws(SystemError) {
        unsafe raw = .allocate(capacity: 1)
        let result = unsafe uv_loop_init(raw)
        guard result == 0 else {
            unsafe raw.deallocate()
            isClosed = true  // deinit runs even if the initialiser throws at this point
            throw SystemError(code: result, operation: "uv_loop_init")
        }
    }

    /// Runs on the calling thread until `stop()`, or until no handle keeps the loop alive.
    public func run() {
        _ = unsafe uv_run(raw, UV_RUN_DEFAULT)
    }

    /// Runs one turn of the loop, without sleeping if `waiting` is false.
    ///
    /// - Returns: whether a handle or request remains that could call back.
    @discardableResult
    public func turn(waiting: Bool = true) -> Bool {
        unsafe uv_run(raw, waiting ? UV_RUN_ONCE : UV_RUN_NOWAIT) != 0
    }

    /// Ends `run()` after the current turn; call on the loop's thread only.
    public func stop() {
        unsafe uv_stop(raw)
    }

    /// Abandons pending lookups, runs the close callbacks, then frees the loop.
    ///
    /// Traps if a handle was not closed before.
    public func close() {
        guard !isClosed else { return }
        isClosed = true
        for lookup in lookups.values { lookup.abandon() }
        // Every closing handle is released within a turn; a handle that remains after it was never closed.
        turn(waiting: false)
        precondition(liveHandles == 0, "Loop.close: \(liveHandles) handles were never closed")
        let result = unsafe uv_loop_close(raw)
        precondition(result == 0, "Loop.close: \(SystemError(code: result, operation: "uv_loop_close"))")
        unsafe raw.deallocate()
    }

    /// Milliseconds on the loop's monotonic clock, read once per turn.
    public var nowMilliseconds: UInt64 {
        unsafe uv_now(raw)
    }

    /// Nanoseconds on the monotonic clock, read now; may be called on any thread.
    public static var monotonicNanoseconds: UInt64 {
        uv_hrtime()
    }

    /// Seconds since 1970, read now; may be called on any thread.
    public static var unixTimeSeconds: Double {
        var now = timespec()
        _ = unsafe clock_gettime(CLOCK_REALTIME, &now)
        return Double(now.tv_sec) + Double(now.tv_nsec) / 1e9
    }

    func handleOpened() { liveHandles += 1 }
    func handleClosed() { liveHandles -= 1 }
    func lookupStarted(_ lookup: NameLookup) { lookups[ObjectIdentifier(lookup)] = lookup }
    func lookupEnded(_ lookup: NameLookup) { lookups[ObjectIdentifier(lookup)] = nil }

    deinit {
        precondition(isClosed, "Loop was dropped without close()")
    }
}

@available(*, unavailable)
extension Loop: Sendable {}
