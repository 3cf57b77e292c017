internal import CUV
internal import Glibc

extension Socket {
    /// Begins to connect a new non-blocking descriptor, which the caller closes.
    ///
    /// Once it is ready, the first send or read tells whether the connection was made.
    public static func connect(to address: SocketAddress) throws(SystemError) -> Int32 {
        let operation = "connect to \(address)"
        let descriptor = socket(address.family, Int32(CUV_SOCK_STREAM) | Int32(CUV_SOCK_FLAGS), 0)
        guard descriptor >= 0 else { throw SystemError(code: errno, operation: operation) }
        if address.unixPath == nil { setOption(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, 1) }
        let result = unsafe address.withKernelForm { unsafe Glibc.connect(descriptor, $0, $1) }
        guard result == 0 || errno == EINPROGRESS else {
            let code = errno
            close(descriptor)
            throw SystemError(code: code, operation: operation)
        }
        return descriptor
    }
}
