public import HTTP

/// Why a request does not open a WebSocket (RFC 6455 section 4.2.1).
public enum HandshakeViolation: Error, Hashable, Sendable, CaseIterable {
    /// A method other than GET.
    case badMethod
    /// No Upgrade header: an ordinary request.
    case missingUpgrade
    /// An Upgrade header without the token `websocket`.
    case unsupportedUpgrade
    /// HTTP/1.0, which has no Upgrade (RFC 9110 section 7.8).
    case oldHTTPVersion
    /// A Connection header without the token `Upgrade`, or none; a proxy may have removed it.
    case missingConnectionUpgrade
    /// A Sec-WebSocket-Version other than 13, none, or several.
    case unsupportedVersion
    /// No Sec-WebSocket-Key.
    case missingKey
    /// More than one Sec-WebSocket-Key.
    case repeatedKey
    /// A Sec-WebSocket-Key that is not 16 bytes in Base64.
    case badKey
    /// A subprotocol that is not a token.
    case badSubprotocol
    /// The same subprotocol twice.
    case repeatedSubprotocol
    /// A Sec-WebSocket-Extensions that does not follow its grammar (section 9.1).
    case badExtensions
    /// A body, which could be mistaken for the first frames.
    case unexpectedBody

    /// The status to answer with.
    public var status: HTTPStatus {
        switch self {
        case .badMethod: .methodNotAllowed
        // RFC 9110 section 15.5.22, and RFC 6455 section 4.4 for the version.
        case .missingUpgrade, .unsupportedUpgrade, .unsupportedVersion: .upgradeRequired
        default: .badRequest
        }
    }

    /// One sentence for the response body and the log; contains nothing of the request.
    public var message: String {
        switch self {
        case .badMethod: "a WebSocket is opened with GET"
        case .missingUpgrade: "this is a WebSocket endpoint: the request has no Upgrade header"
        case .unsupportedUpgrade: "the Upgrade header does not name websocket"
        case .oldHTTPVersion: "a WebSocket needs HTTP/1.1"
        case .missingConnectionUpgrade: "the Connection header does not contain Upgrade"
        case .unsupportedVersion: "the only supported Sec-WebSocket-Version is 13"
        case .missingKey: "the Sec-WebSocket-Key header is missing"
        case .repeatedKey: "more than one Sec-WebSocket-Key header"
        case .badKey: "the Sec-WebSocket-Key is not 16 bytes in Base64"
        case .badSubprotocol: "a name in Sec-WebSocket-Protocol is not a token"
        case .repeatedSubprotocol: "a name in Sec-WebSocket-Protocol is repeated"
        case .badExtensions: "the Sec-WebSocket-Extensions header does not follow its grammar"
        case .unexpectedBody: "a WebSocket request has no body"
        }
    }

    /// Adds headers that tell the client what the server would accept.
    public func addHeaders(to response: inout Response) {
        switch self {
        case .badMethod:
            response.addHeader("Allow", "GET")
        case .missingUpgrade, .unsupportedUpgrade, .unsupportedVersion:
            // RFC 9110: a 426 names the protocol in Upgrade (section 15.5.22), and Connection lists Upgrade (section
            // 7.8).
            response.addHeader("Upgrade", "websocket")
            response.addHeader("Connection", "Upgrade")
            if self == .unsupportedVersion { response.addHeader("Sec-WebSocket-Version", "13") }
        default:
            break
        }
    }
}
