/// Why a response was refused.
///
/// Close the connection: its framing can no longer be trusted.
public enum ResponseViolation: Error, Equatable, Sendable {
    /// A first line that is not a version, a space, three digits, a space and an optional reason (RFC 9112 4).
    case malformedStatusLine
    /// A first line over the limit.
    case statusLineTooLong
    /// A control byte in the first line.
    case controlInStatusLine
    /// A status code below 100 or above 599 (RFC 9110 15).
    case badStatus
    /// A violation that requests and responses have in common.
    case head(HTTPViolation)

    /// One sentence for humans; contains nothing of the response.
    public var message: String {
        switch self {
        case .malformedStatusLine: "the status line is not: version, space, three digits, space, reason"
        case .statusLineTooLong: "the status line is too long"
        case .controlInStatusLine: "control byte in the status line"
        case .badStatus: "the status code is not between 100 and 599"
        case .head(.headTooLarge): "the response head is too large"
        case .head(.transferEncodingInHTTP10): "Transfer-Encoding in an HTTP/1.0 response"
        case .head(let violation): violation.message
        }
    }
}
