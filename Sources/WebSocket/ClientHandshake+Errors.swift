public import HTTP

extension ClientHandshake {
    /// Why no request can be made from the given values.
    public enum InvalidRequest: Error, Equatable, Sendable {
        /// A line break in the target, or in a field's name or value.
        case lineBreak
        /// The result is not a valid request.
        case request(HTTPViolation)
        /// The result is a valid request, but not for a WebSocket.
        case handshake(HandshakeViolation)

        /// One sentence for humans.
        public var message: String {
            switch self {
            case .lineBreak: "a line break in the request target or a header"
            case .request(let violation): violation.message
            case .handshake(let violation): violation.message
            }
        }
    }

    /// Why a response does not open the requested WebSocket (RFC 6455 section 4.1).
    public enum Failure: Error, Hashable, Sendable {
        /// A status other than 101.
        case refused(status: Int)
        /// HTTP/1.0, which has no Upgrade (RFC 9110 section 7.8).
        case oldHTTPVersion
        /// No Upgrade header.
        case missingUpgrade
        /// An Upgrade header that is not `websocket` alone.
        case unsupportedUpgrade
        /// A Connection header without the token `Upgrade`, or none.
        case missingConnectionUpgrade
        /// No Sec-WebSocket-Accept.
        case missingAcceptKey
        /// More than one Sec-WebSocket-Accept (section 11.3.3).
        case repeatedAcceptKey
        /// A Sec-WebSocket-Accept that does not belong to the request's key: a cached answer, or not a WebSocket
        /// server.
        case wrongAcceptKey
        /// More than one Sec-WebSocket-Protocol (section 11.3.4).
        case repeatedSubprotocol
        /// A subprotocol that was not offered.
        case unofferedSubprotocol
        /// A Sec-WebSocket-Extensions that does not follow the grammar (section 9.1).
        case badExtensions
        /// An extension that was not offered.
        case unofferedExtension
        /// The same extension twice.
        case repeatedExtension
        /// Parameters of permessage-deflate that do not answer the offer (RFC 7692 section 7.1).
        case badDeflateParameters

        /// One sentence for humans; contains nothing of the response but its status.
        public var message: String {
            switch self {
            case .refused(let status): "the server answered with status \(status)"
            case .oldHTTPVersion: "the server answered in HTTP/1.0"
            case .missingUpgrade: "the answer has no Upgrade header"
            case .unsupportedUpgrade: "the answer's Upgrade header is not websocket"
            case .missingConnectionUpgrade: "the answer's Connection header does not contain Upgrade"
            case .missingAcceptKey: "the answer has no Sec-WebSocket-Accept header"
            case .repeatedAcceptKey: "the answer has more than one Sec-WebSocket-Accept header"
            case .wrongAcceptKey: "the answer's Sec-WebSocket-Accept does not fit the request"
            case .repeatedSubprotocol: "the answer has more than one Sec-WebSocket-Protocol header"
            case .unofferedSubprotocol: "the server chose a subprotocol that was not offered"
            case .badExtensions: "the answer's Sec-WebSocket-Extensions header is malformed"
            case .unofferedExtension: "the server chose an extension that was not offered"
            case .repeatedExtension: "the server chose an extension twice"
            case .badDeflateParameters: "the server chose parameters of permessage-deflate that were not offered"
            }
        }
    }
}
