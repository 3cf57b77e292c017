internal import CUV
internal import Glibc

/// A thread, such as the one of a loop.
///
/// It is a plain pthread, because Swift's tasks would start a thread pool that nothing here needs.
public struct LoopThread: Sendable {
    private let thread: pthread_t

    /// Starts a thread that runs `body`; its name (at most 15 bytes) is shown by `top -H` and debuggers.
    public init(named name: String, _ body: @escaping @Sendable () -> Void) throws(SystemError) {
        let start = unsafe Unmanaged.passRetained(Start(name: name, body: body))
        var thread = pthread_t()
        let result = unsafe pthread_create(
            &thread, nil,
            { argument in
                guard let argument = unsafe argument else { return nil }
                unsafe Unmanaged<Start>.fromOpaque(argument).takeRetainedValue().run()
                return nil
            }, start.toOpaque())
        guard result == 0 else {
            unsafe start.release()
            throw SystemError(code: result, operation: "start thread \(name)")
        }
        self.thread = thread
    }

    /// Detaches the thread: it ends with its body or with the process.
    ///
    /// Call this or `join()`, not both.
    public func detach() {
        _ = pthread_detach(thread)
    }

    /// Waits until the body has returned; call it once.
    public func join() {
        _ = pthread_join(thread, nil)
    }
}

private final class Start: Sendable {
    private let name: String
    private let body: @Sendable () -> Void

    init(name: String, body: @escaping @Sendable () -> Void) {
        self.name = name
        self.body = body
    }

    func run() {
        unsafe pthread_setname_np(pthread_self(), name)
        body()
    }
}
