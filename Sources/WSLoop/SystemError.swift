internal import CUV

/// A failed call to the kernel or to libuv.
public struct SystemError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The positive errno value.
    public let code: Int32
    /// The attempted operation, for humans: "bind 0.0.0.0:8081".
    public let operation: String

    /// Makes an error from an errno value, positive or negated as libuv returns it.
    public init(code: Int32, operation: String) {
        self.code = abs(code)
        self.operation = operation
    }

    /// The operation and the system's error text.
    public var description: String {
        unsafe "\(operation): \(String(cString: uv_strerror(-code)))"
    }
}

/// Throws if a libuv call failed.
func check(_ result: Int32, _ operation: @autoclosure () -> String) throws(SystemError) {
    guard result >= 0 else { throw SystemError(code: result, operation: operation()) }
}
