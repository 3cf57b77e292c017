internal import CUV
internal import Glibc

extension Socket {
    /// A non-blocking UDP socket bound to an address, which the caller must close.
    public static func datagram(boundTo address: SocketAddress) throws(SystemError) -> Int32 {
        try open(address.family, Int32(CUV_SOCK_DATAGRAM), "bind UDP socket to \(address)") { descriptor in
            unsafe address.withKernelForm { unsafe bind(descriptor, $0, $1) } == 0
        }
    }

    /// Sends one datagram; a datagram is accepted as a whole.
    public static func send(_ bytes: RawSpan, to peer: SocketAddress, from descriptor: Int32) -> WriteResult {
        unsafe bytes.withUnsafeBytes { buffer in
            let count = unsafe peer.withKernelForm { address, length in
                unsafe Int32(
                    sendto(descriptor, buffer.baseAddress, buffer.count, Int32(CUV_SEND_FLAGS), address, length))
            }
            return WriteResult(count < 0 ? -Int(errno) : Int(count))
        }
    }

    /// Two connected, non-blocking stream sockets, such as for the standard streams of a child process.
    public static func pair() throws(SystemError) -> (Int32, Int32) {
        var ends: [Int32] = [-1, -1]
        guard unsafe socketpair(AF_UNIX, Int32(CUV_SOCK_STREAM) | Int32(CUV_SOCK_FLAGS), 0, &ends) == 0 else {
            throw SystemError(code: errno, operation: "socketpair")
        }
        return (ends[0], ends[1])
    }
}

extension ReadBuffer {
    /// Replaces the content with the next datagram.
    ///
    /// - Returns: the result, and the sender if there was one.
    public func fill(fromDatagramsOf descriptor: Int32) -> (Socket.ReadResult, SocketAddress?) {
        var received = 0
        let peer = unsafe SocketAddress.read { address, length in
            received = unsafe replaceContent { memory in
                unsafe recvfrom(
                    descriptor, memory.baseAddress, memory.count, Int32(CUV_RECEIVE_FLAGS), address, length)
            }
            return 0
        }
        // An empty datagram is no end.
        if received >= 0 { return (.bytes(received), peer) }
        return (errno == EAGAIN || errno == EINTR ? .wouldBlock : .failed(errno: errno), nil)
    }
}
