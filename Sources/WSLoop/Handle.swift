internal import CUV

/// A libuv handle that this object owns.
///
/// libuv may use a handle's memory until its close callback has run, so the object retains itself from successful
/// initialisation until then. Dropping the last outside reference without `close()` leaks the handle; `Loop.close()`
/// reports that.
@safe
public class Handle {
    /// The loop that the handle belongs to.
    public let loop: Loop
    let memory: UnsafeMutableRawPointer
    private var isClosing = false
    private var action: (() -> Void)?
    private var afterClose: (() -> Void)?

    /// Allocates a handle of `type`; `initialise` calls the matching `uv_…_init`.
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

    /// Sets the action that runs on the loop each time the handle's event happens.
    public final func onEvent(_ action: @escaping () -> Void) {
        guard !isClosing else { return }
        self.action = action
    }

    /// Stops the handle for good; closing twice is harmless.
    ///
    /// - Parameter completion: runs on the loop after libuv has released the handle.
    public func close(then completion: (() -> Void)? = nil) {
        guard !isClosing else { return }
        isClosing = true
        afterClose = completion
        // Release what the closure captured now: it often holds the owner of this handle.
        action = nil
        released()
        unsafe uv_close(base) { unsafe Handle.closed($0) }
    }

    /// Whether `close()` was called.
    public final var isClosed: Bool { isClosing }

    /// Lets a subclass release what it captured.
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

    /// Runs the action of a callback's handle.
    static func runAction(_ data: UnsafeMutableRawPointer?) {
        unsafe owner(data, as: Handle.self)?.action?()
    }

    /// The Swift object of a callback's handle.
    static func owner<Owner: Handle>(_ data: UnsafeMutableRawPointer?, as type: Owner.Type) -> Owner? {
        unsafe data.map { unsafe unsafeDowncast(Unmanaged<Handle>.fromOpaque($0).takeUnretainedValue(), to: type) }
    }
}

@available(*, unavailable)
extension Handle: Sendable {}
