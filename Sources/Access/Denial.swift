public import HTTP

/// Why a request is refused, in a sentence that names the option to set.
public struct Denial: Equatable, Sendable {
    /// 401 if a key is what is missing, 403 if not.
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
    static let administeringIsLocal = Denial(
        .forbidden,
        "this is answered to this machine only and through no proxy, unless pushd is started with --api-key or --admin")
    static let apiKeyMissing = Denial(.unauthorized, "this needs a key: Authorization: Bearer KEY or X-API-Key: KEY")
    static let apiKeyWrong = Denial(.unauthorized, "the API key is wrong")

    private init(_ status: HTTPStatus, _ message: String) {
        self.status = status
        self.message = message
    }
}
