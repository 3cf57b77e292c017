/// A request to a server of the operator's, such as the hooks' backend or a provider of keys.
public struct HTTPFetch: Sendable {
    /// What a request asks for.
    public enum Method: Sendable {
        case get, post
    }

    /// How much a request may take.
    public struct Limits: Sendable {
        /// From the start to the last byte of the response.
        public var time: Duration
        /// Until the connection is open, with its TLS session.
        public var connectTime: Duration
        /// The most bytes of a response, head and body.
        public var responseBytes: Int

        /// Limits of a request.
        public init(
            time: Duration = .seconds(2), connectTime: Duration = .seconds(2), responseBytes: Int = 65_536
        ) {
            self.time = time
            self.connectTime = connectTime
            self.responseBytes = responseBytes
        }
    }

    /// What it asks for.
    public var method: Method
    /// An absolute URL, `http` or `https`.
    public var url: String
    /// Names and values without line breaks.
    public var headers: [(name: String, value: String)]
    /// What a POST sends.
    public var body: [UInt8]
    /// How much it may take.
    public var limits: Limits

    /// A request.
    public init(
        _ method: Method, _ url: String, headers: [(name: String, value: String)] = [], body: [UInt8] = [],
        limits: Limits = Limits()
    ) {
        self.method = method
        self.url = url
        self.headers = headers
        self.body = body
        self.limits = limits
    }
}

/// A response, whatever its status.
public struct HTTPFetched: Sendable {
    /// The status, such as 200; redirects are not followed.
    public let status: Int
    /// The body.
    public let body: [UInt8]
    /// The status line and the header fields as they came.
    let head: [UInt8]

    init(status: Int, head: [UInt8], body: [UInt8]) {
        self.status = status
        self.head = head
        self.body = body
    }

    /// The value of a header field without the space around it; of several the last.
    public func header(_ name: String) -> String? {
        for line in String(decoding: head, as: UTF8.self).split(whereSeparator: \.isNewline).reversed() {
            guard let colon = line.firstIndex(of: ":"), line[..<colon].lowercased() == name.lowercased() else {
                continue
            }
            let value = line[line.index(after: colon)...]
            guard let first = value.firstIndex(where: { !$0.isWhitespace }),
                let last = value.lastIndex(where: { !$0.isWhitespace })
            else { return "" }
            return String(value[first...last])
        }
        return nil
    }
}

/// Why there is no response.
public struct FetchFailure: Error, Equatable, Sendable, CustomStringConvertible {
    /// The kinds of failures; the raw values are labels of metrics.
    public enum Kind: String, CaseIterable, Sendable {
        /// The name has no address, or the name server does not say.
        case unresolved
        /// No connection could be opened.
        case unreachable
        /// No secure session: a wrong certificate, for example.
        case insecure
        /// A time limit was reached.
        case timedOut = "timed_out"
        /// The connection ended before the response was complete.
        case broken
        /// The response was larger than allowed.
        case tooLarge = "too_large"
        /// What came is no HTTP, or the URL is none.
        case invalid
    }

    /// What kind of failure it is.
    public let kind: Kind
    /// The reason in words, for the log.
    public let description: String

    /// A failure with its reason.
    public init(_ kind: Kind, _ description: String) {
        self.kind = kind
        self.description = description
    }
}
