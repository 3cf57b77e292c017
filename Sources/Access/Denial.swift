public import HTTP

/// Why a request is refused, in a sentence that names the option to set.
public struct Denial: Equatable, Sendable {
    /// 401 if a key or token is missing or wrong, 503 if a limit is reached, otherwise 403.
    public let status: HTTPStatus
    /// The sentence.
    public let message: String

    static let host = Denial(
        .forbidden, "this Host is not a name of this server; over loopback only those of --allow-host are taken")
    static let origin = Denial(.forbidden, "this Origin is not allowed (--allow-origin)")
    static let publishingIsLocal = Denial(
        .forbidden, "publishing from other machines or through a proxy needs pushd to be started with --publish-key")
    static let publishKeyMissing = Denial(.unauthorized, "publishing needs a key: Authorization: Bearer KEY")
    static let publishKeyWrong = Denial(
        .unauthorized, "the publish key is wrong; it is sent as Authorization: Bearer KEY")
    /// WebSockets need a token.
    public static let tokenMissing = Denial(
        .unauthorized,
        "a WebSocket needs a token here: Authorization: Bearer TOKEN, ?token=TOKEN or the subprotocols bearer, TOKEN")
    static let administeringIsLocal = Denial(
        .forbidden,
        "this is answered to this machine only and through no proxy, unless pushd is started with --api-key or --admin")
    static let apiKeyMissing = Denial(.unauthorized, "this needs a key: Authorization: Bearer KEY or X-API-Key: KEY")
    static let apiKeyWrong = Denial(.unauthorized, "the API key is wrong")

    /// The server has as many WebSockets as it may have.
    public static let connections = Denial(
        .serviceUnavailable, "the server has all the connections it takes (--max-connections)")
    static let connectRate = Denial(
        .serviceUnavailable, "too many connections are being opened (--max-connect-rate)")
    static let connectRateOfAddress = Denial(
        .serviceUnavailable, "this address opens too many connections (--max-connect-rate-per-address)")
    static let connectionsOfAddress = Denial(
        .serviceUnavailable, "this address has too many connections (--max-connections-per-address)")
    static let connectionsOfUser = Denial(
        .serviceUnavailable, "this user has too many connections (--max-connections-per-user)")

    /// A channel in the URL may not be joined: 401 if a token is missing, otherwise 403.
    public init(_ denial: ChannelDenial, of channel: String) {
        self.init(denial == .tokenMissing ? .unauthorized : .forbidden, "channel '\(channel)': \(denial.message)")
    }

    /// The backend has not answered, so that it is not known whether the client may connect.
    public static let undecided = Denial(.serviceUnavailable, ChannelDenial.undecided.message)

    /// The backend has refused that the client connects.
    public static func refused(reason: String?) -> Denial {
        Denial(.forbidden, ChannelDenial.refused(reason: reason).message)
    }

    /// The fields of the handshake that the backend is shown have too many bytes.
    public static func headersTooLarge(bytes: Int) -> Denial {
        Denial(.headerFieldsTooLarge, "the headers of --hook-header have more than \(bytes) bytes")
    }

    private init(_ status: HTTPStatus, _ message: String) {
        self.status = status
        self.message = message
    }
}
