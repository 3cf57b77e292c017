internal import CUV
internal import Glibc

/// Turns host names into addresses without blocking the loop (libuv runs getaddrinfo on its thread pool).
@safe
public final class NameLookup {
    private let loop: Loop
    private let operation: String
    private let request: UnsafeMutablePointer<uv_getaddrinfo_t>
    private let completion: (Result<[SocketAddress], SystemError>) -> Void

    /// Starts looking up `host`.
    ///
    /// - Parameter completion: runs once on the loop, with at least one address or an error; inside this call if the
    ///   system refuses the lookup at once.
    public static func start(
        _ host: String, port: UInt16, on loop: Loop,
        completion: @escaping (Result<[SocketAddress], SystemError>) -> Void
    ) {
        NameLookup(loop: loop, operation: "look up \(host)", completion: completion).begin(host: host, port: port)
    }

    private init(
        loop: Loop, operation: String, completion: @escaping (Result<[SocketAddress], SystemError>) -> Void
    ) {
        self.loop = loop
        self.operation = operation
        self.completion = completion
        unsafe request = .allocate(capacity: 1)
    }

    deinit {
        unsafe request.deallocate()
    }

    private func begin(host: String, port: UInt16) {
        unsafe request.pointee.data = Unmanaged.passRetained(self).toOpaque()
        var hints = unsafe addrinfo()
        unsafe hints.ai_socktype = Int32(CUV_SOCK_STREAM)
        loop.requestStarted()
        let result = unsafe uv_getaddrinfo(
            loop.raw, request, { unsafe NameLookup.answered($0, $1, $2) }, host, String(port), &hints)
        if result < 0 { unsafe finish(result, nil) }
    }

    private static func answered(
        _ request: UnsafeMutablePointer<uv_getaddrinfo_t>?, _ status: Int32, _ list: UnsafeMutablePointer<addrinfo>?
    ) {
        guard let data = unsafe request?.pointee.data else { return }
        unsafe Unmanaged<NameLookup>.fromOpaque(data).takeUnretainedValue().finish(status, list)
    }

    private func finish(_ status: Int32, _ list: UnsafeMutablePointer<addrinfo>?) {
        var addresses: [SocketAddress] = []
        var next = unsafe list
        while let entry = unsafe next {
            if let address = unsafe entry.pointee.ai_addr { unsafe addresses.append(SocketAddress(address)) }
            unsafe next = entry.pointee.ai_next
        }
        unsafe uv_freeaddrinfo(list)
        loop.requestEnded()
        if status < 0 || addresses.isEmpty {
            completion(.failure(SystemError(code: status < 0 ? status : ENOENT, operation: operation)))
        } else {
            completion(.success(addresses))
        }
        // Balances begin(): the request kept this object alive until now.
        unsafe Unmanaged.passUnretained(self).release()
    }
}

@available(*, unavailable)
extension NameLookup: Sendable {}
