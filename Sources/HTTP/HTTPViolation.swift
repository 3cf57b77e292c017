/// Why a request was refused.
///
/// Close the connection after the answer: its framing can no longer be trusted.
public enum HTTPViolation: Error, Equatable, Sendable, CaseIterable {
    // Request line, RFC 9112 3
    case emptyRequestLine
    case malformedRequestLine
    case requestLineTooLong
    case controlInRequestLine
    case badMethod
    case badTarget
    case notASCIITarget
    case unsupportedVersion

    // Lines of the head, RFC 9112 2.2 and 5
    case bareCR
    case bareLF
    case headTooLarge
    case tooManyHeaders
    case obsoleteFolding
    case spaceBeforeColon
    case badHeaderName
    case missingColon
    case controlInHeader

    // Host, RFC 9112 3.2
    case missingHost
    case repeatedHost
    case badHost

    // Message body, RFC 9112 6
    case repeatedContentLength
    case badContentLength
    case contentLengthWithTransferEncoding
    case transferEncodingInHTTP10
    case unsupportedTransferEncoding
    case unsupportedExpectation
    case bodyTooLarge

    // Chunks, RFC 9112 7.1
    case badChunkSize
    case badChunkExtension
    case chunkExtensionsTooLarge
    case badChunkTerminator
    case badTrailer
    case trailersTooLarge

    /// The status to answer with before closing.
    public var status: HTTPStatus {
        switch self {
        case .requestLineTooLong: .uriTooLong
        case .unsupportedVersion: .versionNotSupported
        case .headTooLarge, .tooManyHeaders, .trailersTooLarge: .headerFieldsTooLarge
        case .bodyTooLarge, .chunkExtensionsTooLarge: .contentTooLarge
        case .unsupportedTransferEncoding: .notImplemented
        case .unsupportedExpectation: .expectationFailed
        default: .badRequest
        }
    }

    /// One sentence for the response body and the log; contains nothing of the request.
    public var message: String {
        switch self {
        case .emptyRequestLine: "more than one empty line before the request line"
        case .malformedRequestLine: "the request line is not: method, space, target, space, version"
        case .requestLineTooLong: "the request line is too long"
        case .controlInRequestLine: "control byte in the request line"
        case .badMethod: "the method is not a token"
        case .badTarget: "the request target is malformed; a space in it is written %20"
        case .notASCIITarget: "the request target has bytes that are not ASCII: percent-encode them"
        case .unsupportedVersion: "only HTTP/1.0 and HTTP/1.1 are supported"
        case .bareCR: "CR without LF"
        case .bareLF: "LF without CR"
        case .headTooLarge: "the request head is too large"
        case .tooManyHeaders: "too many header fields"
        case .obsoleteFolding: "header lines must not begin with white space"
        case .spaceBeforeColon: "white space in or behind a header name"
        case .badHeaderName: "a header name is not a token"
        case .missingColon: "header line without a colon"
        case .controlInHeader: "control byte in a header line"
        case .missingHost: "the Host header is missing"
        case .repeatedHost: "more than one Host header"
        case .badHost: "the Host header is malformed"
        case .repeatedContentLength: "more than one Content-Length header"
        case .badContentLength: "the Content-Length header is malformed"
        case .contentLengthWithTransferEncoding: "Content-Length together with Transfer-Encoding"
        case .transferEncodingInHTTP10: "Transfer-Encoding in an HTTP/1.0 request"
        case .unsupportedTransferEncoding: "the only transfer coding supported is chunked"
        case .unsupportedExpectation: "the only expectation supported is 100-continue"
        case .bodyTooLarge: "the request body is too large"
        case .badChunkSize: "a chunk size is malformed"
        case .badChunkExtension: "a chunk extension is malformed"
        case .chunkExtensionsTooLarge: "too many bytes of chunk extensions"
        case .badChunkTerminator: "a chunk does not end in CRLF"
        case .badTrailer: "a trailer field is malformed"
        case .trailersTooLarge: "too many bytes of trailer fields"
        }
    }
}
