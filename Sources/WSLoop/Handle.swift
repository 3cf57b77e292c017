internal import CUV

/// A libuv handle that this object owns.
///
/// libuv may use a handle's memory until its close callback has run, so the object retains itself from the successful
/// initialisation until then: dropping the last outside reference without `close()` leaks the handle, which
/// `Loop.close()` reports.
@safe
public class Handle {
    /// The loop this handle hangs on.
    public let loop: Loop
    let memory: UnsafeMutableRawPointer
    private var isClosing = false
    private var action: (() -> Void)?
    private var afterClose: (() -> Void)?

    /// Allocates a handle of `type` and lets `initialise` call the matching `uv_…_init`.
    init(
        on loop: Loop, type: uv_handle_type, _ operation: String,
        initialise: (UnsafeMutableRawPointer) -> Int32
    ) throws(SystemError) {
        self.loop = loop
        unsafe memory = .allocate(byteCount: uv_handle_size(type), alignment: 16)
        let result = unsafe initialise(memory)
        guard result == 0 else {
            unsafe memory.deallocate()
            throw SystemError(code: result, operation: operation)
        }
        loop.handleOpened()
        unsafe base.pointee.data = Unmanaged.passRetained(self).toOpaque()
    }

    /// Sets what runs on the loop each time the handle's event happens.
    public final func onEvent(_ action: @escaping () -> Void) {
        guard !isClosing else { return }
        self.action = action
    }

    /// Stops the handle for good; closing twice is harmless.
    ///
    /// - Parameter completion: runs on the loop when libuv has let go of the handle.
    public func close(then completion: (() -> Void)? = nil) {
        guard !isClosing else { return }
        isClosing = true
        afterClose = completion
        // What the closure captured goes now: it often holds the owner of this handle.
        action = nil
        released()
        unsafe uv_close(base) { unsafe Handle.closed($0) }
    }

    /// Whether `close()` was called.
    public final var isClosed: Bool { isClosing }

    /// Lets a subclass drop what it captured.
    func released() {}

    private var base: UnsafeMutablePointer<uv_handle_t> {
        unsafe memory.assumingMemoryBound(to: uv_handle_t.self)
    }

    private static func closed(_ handle: UnsafeMutablePointer<uv_handle_t>?) {
        guard let data = unsafe handle?.pointee.data else { return }
        let owner = unsafe Unmanaged<Handle>.fromOpaque(data).takeRetainedValue()
        owner.loop.handleClosed()
        unsafe owner.memory.deallocate()
        let completion = owner.afterClose
        owner.afterClose = nil
        completion?()
    }

    /// Runs the action of the handle behind a callback.
    static func runAction(_ data: UnsafeMutableRawPointer?) {
        unsafe owner(data, as: Handle.self)?.action?()
    }

    /// The Swift object behind a callback's handle.
    static func owner<Owner: Handle>(_ data: UnsafeMutableRawPointer?, as type: Owner.Type) -> Owner? {
        unsafe data.map { unsafe unsafeDowncast(Unmanaged<Handle>.fromOpaque($0).takeUnretainedValue(), to: type) }
    }
}

@available(*, unavailable)
extension Handle: Sendable {}
