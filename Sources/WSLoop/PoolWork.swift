internal import CUV
internal import Glibc

/// Blocking work on libuv's thread pool, which all loops of the process share.
@safe
public final class PoolWork {
    /// The most threads that libuv's pool can have.
    public static let maxThreads = 1024

    private let loop: Loop
    private let work: @Sendable () -> Void
    private let completion: (Bool) -> Void
    private let request: UnsafeMutablePointer<uv_work_t>

    /// Sets the number of the pool's threads, unless the environment's UV_THREADPOOL_SIZE does; it has no effect after
    /// the first work has started.
    public static func setThreadCount(_ count: Int) {
        _ = unsafe setenv("UV_THREADPOOL_SIZE", String(count), 0)
    }

    /// Hands work to the pool.
    ///
    /// - Parameters:
    ///   - work: runs on a thread of the pool.
    ///   - completion: runs once on the loop; false if the work was cancelled before a thread took it.
    public static func start(
        on loop: Loop, _ work: @escaping @Sendable () -> Void, completion: @escaping (Bool) -> Void
    ) throws(SystemError) -> PoolWork {
        let item = PoolWork(on: loop, work, completion)
        try item.queue()
        return item
    }

    private init(on loop: Loop, _ work: @escaping @Sendable () -> Void, _ completion: @escaping (Bool) -> Void) {
        self.loop = loop
        self.work = work
        self.completion = completion
        unsafe request = .allocate(capacity: 1)
        unsafe request.initialize(to: uv_work_t())
    }

    deinit { unsafe request.deallocate() }

    private func queue() throws(SystemError) {
        // libuv keeps the request until its completion has run.
        let retained = unsafe Unmanaged.passRetained(self)
        unsafe request.pointee.data = retained.toOpaque()
        let result = unsafe uv_queue_work(
            loop.raw, request, { unsafe PoolWork.owner($0?.pointee.data)?.work() },
            { unsafe PoolWork.ended($0?.pointee.data, status: $1) })
        guard result == 0 else {
            unsafe retained.release()
            throw SystemError(code: result, operation: "uv_queue_work")
        }
    }

    /// Takes the work back if no thread has begun with it; call on the loop's thread only.
    public func cancel() {
        _ = unsafe request.withMemoryRebound(to: uv_req_t.self, capacity: 1) { unsafe uv_cancel($0) }
    }

    private static func owner(_ data: UnsafeMutableRawPointer?) -> PoolWork? {
        unsafe data.map { unsafe Unmanaged<PoolWork>.fromOpaque($0).takeUnretainedValue() }
    }

    private static func ended(_ data: UnsafeMutableRawPointer?, status: Int32) {
        guard let data = unsafe data else { return }
        let work = unsafe Unmanaged<PoolWork>.fromOpaque(data).takeRetainedValue()
        work.completion(status == 0)
    }
}

@available(*, unavailable)
extension PoolWork: Sendable {}
