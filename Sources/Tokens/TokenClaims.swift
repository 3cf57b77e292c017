internal import Access
internal import Bytes
internal import Channels

/// The claims of a token (RFC 7519 section 4.1), and pushd's own.
struct TokenClaims {
    /// In seconds since 1970, as all times here.
    let expiresAt: Int?
    let notBefore: Int?
    let issuedAt: Int?
    let issuer: String?
    let audience: [String]
    private let user: String?
    private let id: String?
    private let info: [UInt8]?
    private let channels: [String]
    private let grants: Grants
    /// The claim that the grants were read from; nil without grants.
    let grantsText: [UInt8]?

    /// Reads claims whose signature was verified.
    init(parsing text: [UInt8]) throws(TokenViolation) {
        let reader = ClaimReader(try JSONObject(ofToken: text.rawSpan), text)
        expiresAt = try reader.time("exp", .down)
        notBefore = try reader.time("nbf", .up)
        issuedAt = try reader.time("iat", .down)
        issuer = try reader.string("iss")
        audience = try reader.audience()
        user = try reader.string("sub")
        id = try reader.string("jti")
        info = reader.json("info")
        channels = try reader.strings("channels")
        grants = try reader.grants()
        grantsText = reader.json("pushd")
        guard channels.allSatisfy({ ChannelName.isValid($0) }), user.map({ ChannelName.isValid($0) }) ?? true else {
            throw .badClaim
        }
    }

    /// - Parameter key: the fingerprint of the token's key.
    func sharedGrants(of key: UInt64) -> SharedGrants { SharedGrants(grants, tokenKey: key) }

    /// The client that the claims of a token are about; nearly all tokens of an issuer have the same few grants.
    func identity(of token: [UInt8], sharing grants: SharedGrants) -> Identity {
        Identity(
            user: user ?? "anonymous", isNamed: user != nil, info: info, sharing: grants, channels: channels,
            expiresAt: expiresAt, issuedAt: issuedAt, mark: id.map { TokenMark(ofID: $0) } ?? TokenMark(ofToken: token))
    }
}

/// Reads members of an object and checks their types.
private struct ClaimReader {
    let object: JSONObject
    let text: [UInt8]

    init(_ object: JSONObject, _ text: [UInt8]) {
        (self.object, self.text) = (object, text)
    }

    func json(_ name: String) -> [UInt8]? { object.rawRange(of: name).map { Array(text[$0]) } }

    func string(_ name: String) throws(TokenViolation) -> String? {
        switch object[name] {
        case .none: nil
        case .string(let value): value
        default: throw .badClaim
        }
    }

    /// A NumericDate (RFC 7519 section 2), perhaps with a fraction; rounding never makes a token valid for longer.
    func time(_ name: String, _ rounding: FloatingPointRoundingRule) throws(TokenViolation) -> Int? {
        switch object[name] {
        case .none: return nil
        case .number(let range):
            guard let seconds = Double(String(decoding: text[range], as: UTF8.self)), abs(seconds) < 1e11 else {
                throw .badClaim
            }
            return Int(seconds.rounded(rounding))
        default: throw .badClaim
        }
    }

    /// One name, or several.
    func audience() throws(TokenViolation) -> [String] {
        if case .string(let name) = object["aud"] { return [name] }
        return try strings("aud")
    }

    func strings(_ name: String) throws(TokenViolation) -> [String] {
        guard let range = object.rawRange(of: name) else { return [] }
        guard let strings = JSON.strings(text.rawSpan.extracting(range)) else { throw .badClaim }
        return strings
    }

    func grants() throws(TokenViolation) -> Grants {
        guard let range = object.rawRange(of: "pushd") else { return Grants() }
        do throws(Grants.Violation) {
            return try Grants(parsing: text.rawSpan.extracting(range))
        } catch {
            throw .badClaim
        }
    }
}
