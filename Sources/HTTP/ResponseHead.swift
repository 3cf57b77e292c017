internal import Bytes

/// The status line and the header fields of one response, as a client reads them.
public struct ResponseHead: Sendable {
    /// How a client finds the end of the content (RFC 9112 6.3).
    public enum ContentEnd: Equatable, Sendable {
        /// This many bytes follow the head; may be 0.
        case length(Int)
        /// Chunks follow; the last one is empty.
        case chunks
        /// The content extends to the end of the connection.
        case close
    }

    /// The status code, 100 to 599; a number, because a server may send codes that `HTTPStatus` does not have.
    public let status: Int
    /// 0 for HTTP/1.0 or 1 for HTTP/1.1.
    public let minorVersion: Int
    /// Where the content ends, if the request was not a HEAD.
    public let contentEnd: ContentEnd
    /// The field lines, after a dummy request line; see `ResponseHeadParser`.
    private let lines: RequestHead

    init(_ status: StatusLine, _ lines: RequestHead) throws(HTTPViolation) {
        self.status = status.code
        self.minorVersion = status.minorVersion
        self.lines = lines
        contentEnd = try ResponseHead.contentEnd(status, lines)
    }

    /// Whether another head follows, the actual answer (RFC 9110 15.2); nothing follows a 101.
    public var isInterim: Bool { status < 200 && status != 101 }

    /// The value of the first field called `name` (given in lower case, compared ignoring case).
    public func value(of name: StaticString) -> String? { lines.value(of: name) }

    /// How many fields are called `name`.
    public func count(of name: StaticString) -> Int { lines.count(of: name) }

    /// Whether the comma-separated lists in the fields called `name` have the element `token`.
    public func hasToken(_ token: StaticString, in name: StaticString) -> Bool { lines.hasToken(token, in: name) }

    /// The elements of the comma-separated lists in all fields called `name`.
    public func listValues(of name: StaticString) -> [String] { lines.listValues(of: name) }

    private static func contentEnd(_ status: StatusLine, _ lines: RequestHead) throws(HTTPViolation) -> ContentEnd {
        // RFC 9112 6.3: these responses end at the empty line, whatever their fields say.
        if status.code < 200 || status.code == 204 || status.code == 304 { return .length(0) }
        let length = try contentLength(lines)
        guard lines.count(of: "transfer-encoding") > 0 else { return length.map(ContentEnd.length) ?? .close }
        guard length == nil else { throw .contentLengthWithTransferEncoding }
        guard status.minorVersion == 1 else { throw .transferEncodingInHTTP10 }
        let codings = lines.listValues(of: "transfer-encoding")
        guard codings.count == 1, lines.hasToken("chunked", in: "transfer-encoding") else {
            throw .unsupportedTransferEncoding
        }
        return .chunks
    }

    /// RFC 9110 8.6: one or more digits and nothing else, not even a list of equal lengths.
    private static func contentLength(_ lines: RequestHead) throws(HTTPViolation) -> Int? {
        guard let value = lines.value(of: "content-length") else { return nil }
        guard lines.count(of: "content-length") == 1 else { throw .repeatedContentLength }
        guard value.utf8.allSatisfy(\.isDigit), let length = Int(value) else { throw .badContentLength }
        return length
    }
}
