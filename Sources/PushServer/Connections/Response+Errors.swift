internal import Access
internal import HTTP

extension Response {
    /// An error in the common format: `{"error":"…"}`.
    static func error(_ status: HTTPStatus, _ message: String) -> Response {
        Response(status, contentType: "application/json", body: ErrorBody.json(message))
    }

    /// The response to a request that is not allowed.
    init(_ denial: Denial) {
        guard denial.status != .serviceUnavailable else {
            self = .unavailable(denial.message)
            return
        }
        self = .error(denial.status, denial.message)
        if denial.status == .unauthorized { addHeader("WWW-Authenticate", "Bearer") }
    }

    /// A temporary refusal.
    static func unavailable(_ message: String) -> Response {
        var response = Response.error(.serviceUnavailable, message)
        response.addHeader("Retry-After", "1")
        return response
    }

    /// Allows pages of an origin to read the response.
    mutating func share(with origin: String) {
        addHeader("Access-Control-Allow-Origin", origin)
        if origin != "*" { addHeader("Vary", "Origin") }
    }
}
