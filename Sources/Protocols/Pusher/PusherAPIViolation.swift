/// Why a request to Pusher's HTTP API is refused.
public enum PusherAPIViolation: Error, Equatable, Sendable {
    case badQuery
    case repeatedParameter
    case badVersion
    case badKey
    case badTime
    case bodyNotSigned
    case badSignature
    case otherBody
    case badBody(String)

    /// Whether who sends the request has not shown that it may; otherwise it may, and asks for something impossible.
    public var isUnauthorized: Bool {
        switch self {
        case .badQuery, .badBody: false
        default: true
        }
    }

    /// One sentence for the response.
    public var message: String {
        switch self {
        case .badQuery: "the query is not percent-encoded UTF-8, or has too many parameters"
        case .repeatedParameter: "a parameter of the query is there twice"
        case .badVersion: "auth_version is not 1.0"
        case .badKey: "auth_key is not the key of this application"
        case .badTime:
            "auth_timestamp is not within \(PusherQuery.maxSkewSeconds) seconds of this server's time"
        case .bodyNotSigned: "a request with a body needs its MD5 as body_md5"
        case .badSignature:
            "auth_signature is not the HMAC of METHOD, path and sorted parameters, with line breaks between them"
        case .otherBody: "body_md5 is not the MD5 of this body"
        case .badBody(let problem): problem
        }
    }
}
