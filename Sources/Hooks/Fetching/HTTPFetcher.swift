internal import CCurl
internal import Glibc
public import WSLoop

/// Fetches over HTTP/1.1 on a loop, which nothing blocks: libcurl's multi interface, driven by the loop's handles.
///
/// Connections are kept and used again. Certificates and host names are verified; redirects are not followed, and
/// proxies are not used. Confined to its loop; close it before the loop.
@safe
public final class HTTPFetcher {
    /// The most connections at once, with idle ones; further requests wait for one of them.
    public static let maxConnections = 288
    /// Why libcurl cannot be used; nil if it can.
    ///
    /// Asking for it loads libcurl, which takes a moment the first time.
    public static let problem = unsafe ccurl_start().map { unsafe String(cString: $0) }
    /// libcurl is not called again before it asks for it, and a timer of the loop may be early.
    private static let repeatMilliseconds: UInt64 = 10

    let userAgent: String
    /// The certificates (PEM) that requests from now on trust; nil for the system's.
    public var authoritiesFile: String?
    private let loop: Loop
    private let multi: UnsafeMutableRawPointer
    private let timer: Timer
    private var transfers: [ObjectIdentifier: HTTPTransfer] = [:]
    private var sockets: [Int32: WatchedSocket] = [:]
    private var isClosed = false

    private struct WatchedSocket {
        let watcher: PollWatcher
        let interest: Readiness
    }

    /// Makes a fetcher without opening anything.
    public init(on loop: Loop, userAgent: String) throws(SystemError) {
        guard HTTPFetcher.problem == nil, let multi = unsafe ccurl_multi_init() else {
            throw SystemError(code: ENOTSUP, operation: "libcurl (\(HTTPFetcher.problem ?? "out of memory"))")
        }
        self.loop = loop
        self.userAgent = userAgent
        unsafe self.multi = multi
        do throws(SystemError) {
            timer = try Timer(on: loop)
        } catch {
            unsafe ccurl_multi_cleanup(multi)
            throw error
        }
        timer.onEvent { [unowned self] in act(on: CURL_SOCKET_TIMEOUT) }
        unsafe ccurl_set_multi_number(multi, CURLMOPT_MAX_TOTAL_CONNECTIONS, HTTPFetcher.maxConnections)
        unsafe ccurl_set_multi_number(multi, CURLMOPT_MAXCONNECTS, HTTPFetcher.maxConnections)
        unsafe ccurl_watch(
            multi, { _, socket, events, context, _ in unsafe HTTPFetcher.of(context)?.watch(socket, for: events) ?? 0 },
            { _, milliseconds, context in unsafe HTTPFetcher.of(context)?.startTimer(milliseconds) ?? 0 },
            Unmanaged.passUnretained(self).toOpaque())
    }

    /// Sends a request.
    ///
    /// - Parameter completion: runs once on the loop, never inside this call, and not at all after a cancel or a close.
    /// - Returns: the transfer, to cancel it.
    @discardableResult
    public func send(
        _ fetch: HTTPFetch, then completion: @escaping (Result<HTTPFetched, FetchFailure>) -> Void
    ) -> HTTPTransfer {
        precondition(!isClosed, "HTTPFetcher was used after close()")
        let transfer = HTTPTransfer(fetch, by: self, then: completion)
        transfers[ObjectIdentifier(transfer)] = transfer
        let code = unsafe ccurl_multi_add_handle(multi, transfer.easy)
        precondition(code == CURLM_OK, "curl_multi_add_handle: \(code.rawValue)")
        return transfer
    }

    /// Gives up all requests and closes all connections; closing twice is harmless.
    public func close() {
        guard !isClosed else { return }
        isClosed = true
        for transfer in transfers.values { forget(transfer) }
        unsafe ccurl_multi_cleanup(multi)
        for socket in sockets.values { socket.watcher.close() }
        sockets = [:]
        timer.close()
    }

    /// Takes a transfer out.
    func forget(_ transfer: HTTPTransfer) {
        guard transfers.removeValue(forKey: ObjectIdentifier(transfer)) != nil else { return }
        unsafe ccurl_multi_remove_handle(multi, transfer.easy)
    }

    deinit {
        precondition(isClosed, "HTTPFetcher was dropped without close()")
    }
}

// MARK: - What libcurl asks for

extension HTTPFetcher {
    private static func of(_ context: UnsafeMutableRawPointer?) -> HTTPFetcher? {
        guard let context = unsafe context else { return nil }
        return unsafe Unmanaged<HTTPFetcher>.fromOpaque(context).takeUnretainedValue()
    }

    /// Watches a socket for what libcurl waits for; returns -1 if that is not possible.
    private func watch(_ descriptor: Int32, for events: Int32) -> Int32 {
        guard events != CURL_POLL_REMOVE else {
            sockets.removeValue(forKey: descriptor)?.watcher.close()
            return 0
        }
        var interest: Readiness = []
        if events & CURL_POLL_IN != 0 { interest.insert(.readable) }
        if events & CURL_POLL_OUT != 0 { interest.insert(.writable) }
        guard let watcher = sockets[descriptor]?.watcher ?? (try? makeWatcher(of: descriptor)) else { return -1 }
        watcher.wait(for: interest)
        sockets[descriptor] = WatchedSocket(watcher: watcher, interest: interest)
        return 0
    }

    private func makeWatcher(of descriptor: Int32) throws(SystemError) -> PollWatcher {
        let watcher = try PollWatcher(on: loop, descriptor: descriptor)
        watcher.onReady { [unowned self] readiness in
            var events: Int32 = 0
            if readiness.contains(.readable) { events |= CURL_CSELECT_IN }
            if readiness.contains(.writable) { events |= CURL_CSELECT_OUT }
            act(on: descriptor, events)
            // After an error the watcher waits for nothing.
            if let socket = sockets[descriptor] { socket.watcher.wait(for: socket.interest) }
        }
        return watcher
    }

    private func startTimer(_ milliseconds: Int) -> Int32 {
        if milliseconds < 0 {
            timer.stop()
        } else {
            timer.start(
                afterMilliseconds: UInt64(milliseconds), everyMilliseconds: HTTPFetcher.repeatMilliseconds)
        }
        return 0
    }

    /// Lets libcurl act on a socket that is ready, or on its timer; then reports what it has completed.
    private func act(on descriptor: Int32, _ events: Int32 = 0) {
        var running: Int32 = 0
        _ = unsafe ccurl_multi_socket_action(multi, descriptor, events, &running)
        var queued: Int32 = 0
        // A completion may close the fetcher.
        while !isClosed, let message = unsafe ccurl_multi_info_read(multi, &queued) {
            guard unsafe message.pointee.msg == CURLMSG_DONE,
                let transfer = unsafe HTTPTransfer.of(message.pointee.easy_handle)
            else { continue }
            let code = unsafe message.pointee.data.result
            forget(transfer)
            transfer.complete(code)
        }
    }
}

@available(*, unavailable)
extension HTTPFetcher: Sendable {}
