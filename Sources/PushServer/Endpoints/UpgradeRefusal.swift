internal import Access
internal import HTTP
internal import WebSocket

/// Why a WebSocket or an event stream was not opened: the reason and the response.
struct UpgradeRefusal: Error {
    let reason: String
    let response: Response
    /// Whether a key that is fetched later may make a difference.
    var isForLackOfKey = false

    init(_ reason: String, _ response: Response) {
        self.reason = reason
        self.response = response
    }

    init(_ denial: Denial) {
        self.init(denial.message, Response(denial))
    }

    init(_ violation: HandshakeViolation) {
        var response = Response.error(violation.status, violation.message)
        violation.addHeaders(to: &response)
        self.init(violation.message, response)
    }

    static func badRequest(_ reason: String) -> UpgradeRefusal {
        UpgradeRefusal(reason, .error(.badRequest, reason))
    }

    static func unavailable(_ reason: String) -> UpgradeRefusal {
        UpgradeRefusal(reason, .unavailable(reason))
    }
}
