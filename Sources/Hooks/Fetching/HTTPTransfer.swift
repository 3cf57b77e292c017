internal import Bytes
internal import CCurl

/// A request on its way, and what has come of its response.
///
/// Confined to its fetcher's loop.
@safe
public final class HTTPTransfer {
    private static let errorBytes = Int(CURL_ERROR_SIZE)
    /// CURLOPT_QUICK_EXIT, which libcurl has since 7.87.
    private static let quickExit = CURLoption(rawValue: 322)

    let easy: UnsafeMutableRawPointer
    private let errorText: UnsafeMutablePointer<CChar>
    private var headers: UnsafeMutablePointer<curl_slist>?
    private let maxBytes: Int
    private var head: [UInt8] = []
    private var body: [UInt8] = []
    private var isTooLarge = false
    private let completion: (Result<HTTPFetched, FetchFailure>) -> Void
    private weak var fetcher: HTTPFetcher?

    init(
        _ fetch: HTTPFetch, by fetcher: HTTPFetcher,
        then completion: @escaping (Result<HTTPFetched, FetchFailure>) -> Void
    ) {
        guard let easy = unsafe ccurl_easy_init() else { preconditionFailure("curl_easy_init: out of memory") }
        unsafe self.easy = easy
        unsafe errorText = .allocate(capacity: HTTPTransfer.errorBytes)
        unsafe errorText.initialize(repeating: 0, count: HTTPTransfer.errorBytes)
        maxBytes = fetch.limits.responseBytes
        self.completion = completion
        self.fetcher = fetcher
        setRequest(fetch)
        setLimits(fetch.limits)
        setServer(fetcher.userAgent, fetcher.authoritiesFile)
        unsafe ccurl_set_receivers(
            easy, { unsafe HTTPTransfer.received($0, $1 * $2, $3) { unsafe $0.takeHead($1) } },
            { unsafe HTTPTransfer.received($0, $1 * $2, $3) { unsafe $0.takeBody($1) } },
            Unmanaged.passUnretained(self).toOpaque())
    }

    deinit {
        unsafe ccurl_easy_cleanup(easy)
        unsafe ccurl_slist_free_all(headers)
        unsafe errorText.deallocate()
    }

    /// Gives the request up: its completion is not called.
    public func cancel() {
        fetcher?.forget(self)
    }

    /// Reports the outcome of a transfer that libcurl has ended.
    func complete(_ code: CURLcode) {
        guard code == CURLE_OK else { return completion(.failure(failure(code))) }
        completion(.success(HTTPFetched(status: unsafe ccurl_status(easy), head: head, body: body)))
    }

    /// The transfer of a handle.
    static func of(_ easy: UnsafeMutableRawPointer?) -> HTTPTransfer? {
        guard let context = unsafe ccurl_context(easy) else { return nil }
        return unsafe Unmanaged<HTTPTransfer>.fromOpaque(context).takeUnretainedValue()
    }
}

// MARK: - The request

extension HTTPTransfer {
    private func setRequest(_ fetch: HTTPFetch) {
        unsafe ccurl_set_text(easy, CURLOPT_URL, fetch.url)
        unsafe ccurl_allow_web_only(easy)
        unsafe ccurl_set_number(easy, CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1)
        if fetch.method == .post {
            unsafe fetch.body.withUnsafeBytes {
                unsafe ccurl_set_body(easy, $0.baseAddress ?? UnsafeRawPointer(errorText), $0.count)
            }
            // For a large body libcurl would first ask whether it may send it, and wait for a second.
            append("Expect:")
        }
        for header in fetch.headers { append("\(header.name): \(header.value)") }
        unsafe ccurl_set_pointer(easy, CURLOPT_HTTPHEADER, headers)
    }

    private func append(_ line: String) {
        unsafe headers = ccurl_slist_append(headers, line)
    }

    private func setLimits(_ limits: HTTPFetch.Limits) {
        unsafe ccurl_set_number(easy, CURLOPT_TIMEOUT_MS, limits.time.curlMilliseconds)
        unsafe ccurl_set_number(easy, CURLOPT_CONNECTTIMEOUT_MS, limits.connectTime.curlMilliseconds)
        unsafe ccurl_set_number(easy, CURLOPT_NOSIGNAL, 1)
        // Do not wait for the thread that looks up a name when the time is over.
        unsafe ccurl_set_number(easy, HTTPTransfer.quickExit, 1)
        unsafe ccurl_set_pointer(easy, CURLOPT_ERRORBUFFER, errorText)
    }

    /// The servers belong to the operator: proxies that the environment names for browsing are not used.
    private func setServer(_ userAgent: String, _ authoritiesFile: String?) {
        unsafe ccurl_set_text(easy, CURLOPT_USERAGENT, userAgent)
        unsafe ccurl_set_text(easy, CURLOPT_PROXY, "")
        unsafe ccurl_set_number(easy, CURLOPT_SSLVERSION, CURL_SSLVERSION_TLSv1_2)
        if let authoritiesFile { unsafe ccurl_set_text(easy, CURLOPT_CAINFO, authoritiesFile) }
    }
}

// MARK: - The response

extension HTTPTransfer {
    /// Called by libcurl; returns the number of bytes that were taken, and another number ends the transfer.
    private static func received(
        _ bytes: UnsafeMutablePointer<CChar>?, _ count: Int, _ context: UnsafeMutableRawPointer?,
        _ take: (HTTPTransfer, UnsafeRawBufferPointer) -> Bool
    ) -> Int {
        guard let context = unsafe context else { return 0 }
        let transfer = unsafe Unmanaged<HTTPTransfer>.fromOpaque(context).takeUnretainedValue()
        return unsafe take(transfer, UnsafeRawBufferPointer(start: bytes, count: count)) ? count : 0
    }

    private func takeHead(_ line: UnsafeRawBufferPointer) -> Bool {
        guard hasRoom(for: line.count) else { return false }
        // A response may come after an interim one (RFC 9110 section 15.2).
        if unsafe line.starts(with: "HTTP/".utf8) { head = [] }
        unsafe head.append(contentsOf: line)
        return true
    }

    private func takeBody(_ part: UnsafeRawBufferPointer) -> Bool {
        guard hasRoom(for: part.count) else { return false }
        unsafe body.append(contentsOf: part)
        return true
    }

    private func hasRoom(for count: Int) -> Bool {
        isTooLarge = head.count + body.count + count > maxBytes
        return !isTooLarge
    }

    private func failure(_ code: CURLcode) -> FetchFailure {
        guard !isTooLarge else { return FetchFailure(.tooLarge, "the response is larger than \(maxBytes) bytes") }
        let detail = unsafe String(cString: errorText)
        let text = detail.isEmpty ? unsafe String(cString: ccurl_easy_strerror(code)) : detail
        return FetchFailure(FetchFailure.Kind(code), text)
    }
}

extension FetchFailure.Kind {
    init(_ code: CURLcode) {
        switch code {
        case CURLE_COULDNT_RESOLVE_HOST: self = .unresolved
        case CURLE_COULDNT_CONNECT: self = .unreachable
        case CURLE_OPERATION_TIMEDOUT: self = .timedOut
        case CURLE_SSL_CONNECT_ERROR, CURLE_PEER_FAILED_VERIFICATION, CURLE_SSL_CACERT_BADFILE, CURLE_SSL_CERTPROBLEM,
            CURLE_SSL_ISSUER_ERROR, CURLE_SSL_CIPHER:
            self = .insecure
        case CURLE_SEND_ERROR, CURLE_RECV_ERROR, CURLE_GOT_NOTHING, CURLE_PARTIAL_FILE: self = .broken
        default: self = .invalid
        }
    }
}

extension Duration {
    /// At least one, because for libcurl 0 is its own default.
    fileprivate var curlMilliseconds: Int { max(Int(self / .milliseconds(1)), 1) }
}

@available(*, unavailable)
extension HTTPTransfer: Sendable {}
