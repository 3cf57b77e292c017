internal import CUV
internal import Glibc

/// Resolves host names without blocking the loop; each lookup has its own thread.
///
/// A name server that does not answer blocks the thread for up to half a minute, and nothing can interrupt that. So the
/// thread knows only the lookup's inbox, and neither the loop nor the process waits for it at the end. (The process
/// would wait for libuv's thread pool.)
public final class NameLookup {
    private typealias Answer = Result<[SocketAddress], SystemError>

    private let loop: Loop
    private let inbox = Inbox<Answer>()
    private let completion: (Result<[SocketAddress], SystemError>) -> Void

    /// Starts a lookup of `host`.
    ///
    /// - Parameter completion: runs once on the loop, with at least one address or an error. It runs inside this call
    ///   if the lookup cannot start, and never if the loop closes first.
    public static func start(
        _ host: String, port: UInt16, on loop: Loop,
        completion: @escaping (Result<[SocketAddress], SystemError>) -> Void
    ) {
        do throws(SystemError) {
            try NameLookup(on: loop, completion: completion).begin(host, port)
        } catch {
            completion(.failure(error))
        }
    }

    private init(on loop: Loop, completion: @escaping (Result<[SocketAddress], SystemError>) -> Void) {
        self.loop = loop
        self.completion = completion
    }

    private func begin(_ host: String, _ port: UInt16) throws(SystemError) {
        try inbox.open(on: loop) { [unowned self] in answered() }
        loop.lookupStarted(self)
        let inbox = inbox
        do throws(SystemError) {
            try LoopThread(named: "pushd-lookup") { inbox.post(NameLookup.resolve(host, port)) }.detach()
        } catch {
            abandon()
            throw error
        }
    }

    private func answered() {
        let answers = inbox.takeAll()
        abandon()
        for answer in answers { completion(answer) }
    }

    /// Stops waiting for the answer; call on the loop's thread only.
    func abandon() {
        inbox.close()
        loop.lookupEnded(self)
    }

    /// Asks the system, which may block for long.
    ///
    /// Without a callback libuv answers synchronously; it uses the loop only to count the request.
    private static func resolve(_ host: String, _ port: UInt16) -> Answer {
        let loop: Loop
        do throws(SystemError) { loop = try Loop() } catch { return .failure(error) }
        defer { loop.close() }
        var request = unsafe uv_getaddrinfo_t()
        var hints = unsafe addrinfo()
        unsafe hints.ai_socktype = Int32(CUV_SOCK_STREAM)
        let status = unsafe uv_getaddrinfo(loop.raw, &request, nil, host, String(port), &hints)
        defer { unsafe uv_freeaddrinfo(request.addrinfo) }
        let addresses = unsafe status < 0 ? [] : NameLookup.addresses(request.addrinfo)
        guard addresses.isEmpty else { return .success(addresses) }
        return .failure(SystemError(code: status < 0 ? status : ENOENT, operation: "look up \(host)"))
    }

    private static func addresses(_ list: UnsafeMutablePointer<addrinfo>?) -> [SocketAddress] {
        var addresses: [SocketAddress] = []
        var next = unsafe list
        while let entry = unsafe next {
            if let address = unsafe entry.pointee.ai_addr { unsafe addresses.append(SocketAddress(address)) }
            unsafe next = entry.pointee.ai_next
        }
        return addresses
    }
}

@available(*, unavailable)
extension NameLookup: Sendable {}
