internal import Access
internal import HTTP
internal import Tokens
internal import WSLoop

/// Verifies the token of a request for a WebSocket.
struct Authenticator {
    private let context: LoopContext

    init(_ context: LoopContext) {
        self.context = context
    }

    /// The client that the request's token names; nil if it has none, or if this server takes none.
    func identity(of head: RequestHead) throws(UpgradeRefusal) -> Identity? {
        guard let settings = context.settings.configuration.tokens, let verifier = context.settings.tokens else {
            return nil
        }
        let tokens: Set<String>
        do throws(QueryViolation) {
            tokens = try TokenCarriers.tokens(in: head, cookie: settings.cookie)
        } catch {
            throw .badRequest(error.message)
        }
        guard tokens.count <= 1 else { throw .badRequest("the request has different tokens, and only one is possible") }
        guard let token = tokens.first else {
            guard !settings.isRequired else { throw UpgradeRefusal(.tokenMissing) }
            return nil
        }
        do throws(TokenViolation) {
            let identity = try verifier.verify(Array(token.utf8), at: Int(Loop.unixTimeSeconds))
            // Also a token that is in the cache may have been revoked since.
            if context.state.revoked.refuse(identity) { throw .revoked }
            return identity
        } catch {
            throw UpgradeRefusal(error)
        }
    }
}

extension UpgradeRefusal {
    /// RFC 6750 section 3.1.
    init(_ violation: TokenViolation) {
        var response = Response.error(.unauthorized, violation.message)
        response.addHeader(
            "WWW-Authenticate", "Bearer error=\"invalid_token\", error_description=\"\(violation.message)\"")
        self.init(violation.message, response)
        isForLackOfKey = violation.isForLackOfKey
    }
}
