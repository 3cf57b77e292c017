internal import Access
internal import HTTP
internal import WSLoop

/// `POST /v1/revoke`: ends tokens before they expire, with the connections that have them.
final class RevokeEndpoint: APIEndpoint {
    static let path = APIPath("/v1/revoke")
    static let isPost = true
    /// How far a time may be ahead of this machine's clock, in seconds.
    private static let leewaySeconds = 60
    private static let maxIDBytes = 1024

    private let requests: APIRequests

    init(_ requests: APIRequests) { self.requests = requests }

    func answer(_ head: RequestHead, _ body: [UInt8], _ connection: Connection) throws(BadRequest) -> EndpointAnswer {
        let parameters = try RequestParameters(head, body, "token", "user", "issued_before", "connection")
        guard try ["token", "user", "connection"].count(where: parameters.isGiven) == 1 else {
            throw BadRequest("what: one of token (its jti), user and connection")
        }
        if let name = try parameters.text("connection") {
            guard try !parameters.isGiven("issued_before") else { throw BadRequest("issued_before is for a user") }
            guard let id = ConnectionID(name) else { return .now(.noConnection) }
            return requests.carryOut(.revokeToken(of: id), ("connection", name), connection)
        }
        let revocation = try revocation(parameters)
        // Before any connection ends: one that opens meanwhile is refused.
        guard requests.context.state.revoked.add(revocation) else {
            return .now(.unavailable("there are too many revocations; those of expired tokens are forgotten"))
        }
        return requests.carryOut(.revoke(revocation), nil, connection)
    }

    private func revocation(_ parameters: RequestParameters) throws(BadRequest) -> Revocation {
        let end = requests.context.state.latestTokenEnd
        let issuedBefore = try parameters.number("issued_before")
        guard let user = try parameters.userName() else {
            guard issuedBefore == nil else { throw BadRequest("issued_before is for a user") }
            let id = try parameters.text("token") ?? ""
            guard (1...RevokeEndpoint.maxIDBytes).contains(id.utf8.count) else {
                throw BadRequest("token is a jti of 1 to \(RevokeEndpoint.maxIDBytes) bytes")
            }
            return Revocation(.marked(TokenMark(ofID: id)), until: end)
        }
        // A token that was issued in this very second counts as issued before.
        let next = Int(Loop.unixTimeSeconds) + 1
        let time = issuedBefore ?? next
        guard (1...next + RevokeEndpoint.leewaySeconds).contains(time) else {
            throw BadRequest("issued_before is a time that has come, in seconds since 1970")
        }
        return Revocation(.ofUser(user, issuedBefore: time), until: max(end, end + time - next))
    }
}
