/// Why a connection is closed: the status code in a Close frame (RFC 6455 section 7.4).
public struct CloseCode: RawRepresentable, Hashable, Sendable {
    /// The number as it is on the wire.
    public let rawValue: UInt16

    /// The code with that number, whether or not it may be sent.
    public init(rawValue: UInt16) {
        self.rawValue = rawValue
    }

    /// 1000: the purpose of the connection is fulfilled.
    public static let normal = CloseCode(rawValue: 1000)
    /// 1001: the server shuts down, or the browser leaves the page.
    public static let goingAway = CloseCode(rawValue: 1001)
    /// 1002: the peer broke the protocol.
    public static let protocolError = CloseCode(rawValue: 1002)
    /// 1003: a type of data that this end does not accept, such as binary instead of text.
    public static let unsupportedData = CloseCode(rawValue: 1003)
    /// 1007: data that does not fit its type, such as text that is not UTF-8.
    public static let invalidPayload = CloseCode(rawValue: 1007)
    /// 1008: the peer broke a rule for which there is no more specific code.
    public static let policyViolation = CloseCode(rawValue: 1008)
    /// 1009: a message larger than this end accepts.
    public static let messageTooBig = CloseCode(rawValue: 1009)
    /// 1011: the server met an unexpected condition.
    public static let internalError = CloseCode(rawValue: 1011)
    /// 1012: the server restarts; reconnect after a random delay.
    public static let serviceRestart = CloseCode(rawValue: 1012)
    /// 1013: the server is over its limits, or the peer reads too slowly; reconnect later.
    public static let tryAgainLater = CloseCode(rawValue: 1013)
    /// 4401: not allowed; corresponds to HTTP's 401.
    public static let unauthorized = CloseCode(rawValue: 4401)
    /// 4429: too many requests; corresponds to HTTP's 429.
    public static let tooManyRequests = CloseCode(rawValue: 4429)

    /// Whether a Close frame may carry `rawValue`.
    ///
    /// 1000 to 2999 belong to the protocol, and only the assigned ones may be used, except 1004, 1005, 1006 and 1015,
    /// which must not be sent. 3000 to 4999 belong to libraries and applications (RFC 6455 section 7.4; the IANA
    /// registry for 1012 to 1014).
    public static func isAllowedOnWire(_ rawValue: UInt16) -> Bool {
        switch rawValue {
        case 1000...1003, 1007...1014, 3000...4999: true
        default: false
        }
    }
}
