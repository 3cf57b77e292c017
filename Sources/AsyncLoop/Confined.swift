internal import Glibc

/// The loop that runs on the current thread.
///
/// Swift's thread-local storage of C would be cached across a suspension, and `pthread_self` is cached as well, because
/// glibc declares it as a constant. `pthread_getspecific` is an opaque call.
enum CurrentLoop {
    private static let key: pthread_key_t = {
        var key = pthread_key_t()
        let result = unsafe pthread_key_create(&key, nil)
        precondition(result == 0, "pthread_key_create: \(result)")
        return key
    }()

    /// The identity of the running loop's core; nil on other threads.
    static var identity: UnsafeMutableRawPointer? { unsafe pthread_getspecific(key) }

    /// Marks the thread as the loop's, or, with nil, no longer.
    static func set(_ core: LoopCore?) {
        let identity = unsafe core.map { unsafe Unmanaged.passUnretained($0).toOpaque() }
        _ = unsafe pthread_setspecific(key, identity)
    }
}

/// A value that belongs to a loop; reading it on another thread traps.
///
/// `@unchecked Sendable` holds because every access is ordered. While the loop runs, only `here` gives the value, and
/// it traps on every other thread. Before the loop's thread starts and after it was joined, `ofStoppedLoop` gives the
/// value to the thread that starts or joins. The last reference may be dropped on any thread, so the value's deinit
/// must touch nothing that belongs to the loop.
@safe
struct Confined<Value: AnyObject>: @unchecked Sendable {
    private let value: Value
    private let home: UnsafeMutableRawPointer

    /// Confines a value to the loop with this core.
    init(_ value: Value, to core: LoopCore) {
        self.value = value
        unsafe home = Unmanaged.passUnretained(core).toOpaque()
    }

    /// Confines a value to the loop of another one.
    init(_ value: Value, beside other: Confined<some AnyObject>) {
        self.value = value
        unsafe home = other.home
    }

    /// Whether the current thread runs the loop.
    var isHere: Bool { unsafe CurrentLoop.identity == home }

    /// The value, on the loop's thread.
    var here: Value {
        precondition(isHere, "the loop is not running on this thread")
        return value
    }

    /// The value of a loop that does not run on any thread: before its start, or after its end.
    var ofStoppedLoop: Value { value }
}
