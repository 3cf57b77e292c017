internal import CUV
internal import Glibc

extension Socket {
    /// Starts to connect a new non-blocking descriptor, which the caller must close.
    ///
    /// Once it is writable, `pendingError` says whether the connection was established.
    public static func connect(to address: SocketAddress) throws(SystemError) -> Int32 {
        try open(address.family, Int32(CUV_SOCK_STREAM), "connect to \(address)") { descriptor in
            if address.unixPath == nil { setOption(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, 1) }
            let result = unsafe address.withKernelForm { unsafe Glibc.connect(descriptor, $0, $1) }
            return result == 0 || errno == EINPROGRESS
        }
    }

    /// The socket's pending error, which is how a failed connection attempt is reported; nil if there is none.
    public static func pendingError(_ descriptor: Int32) -> Int32? {
        var code: Int32 = 0
        var size = socklen_t(MemoryLayout<Int32>.size)
        guard unsafe getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &code, &size) == 0 else { return errno }
        return code == 0 ? nil : code
    }
}
