internal import CUV
internal import Glibc

/// A thread, such as one that a loop runs on (a plain pthread: Swift's tasks would start a pool that nothing here
/// needs).
public struct LoopThread: Sendable {
    private let thread: pthread_t

    /// Starts a thread that runs `body` and is named `name` (at most 15 bytes) for `top -H` and debuggers.
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

    /// Leaves the thread to itself: it ends with its body or with the process; in place of `join()`.
    public func detach() {
        _ = pthread_detach(thread)
    }

    /// Waits until the body has returned; to be called once.
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
