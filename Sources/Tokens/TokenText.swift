internal import Bytes

/// The parts of a token in its compact form (RFC 7515 section 3.1), decoded but not verified.
public struct TokenText: Sendable {
    /// The header, as JSON.
    public let header: [UInt8]
    /// The claims, as JSON.
    public let claims: [UInt8]
    let signature: [UInt8]
    /// The bytes that the signature is for.
    let signedText: ArraySlice<UInt8>

    /// Splits and decodes a token.
    public init(_ token: [UInt8]) throws(TokenViolation) {
        guard token.count <= TokenVerifier.maxBytes else { throw .tooLong }
        let dots = token.indices.filter { token[$0] == UInt8(ascii: ".") }
        guard dots.count == 2, dots[0] > 0, dots[1] > dots[0] + 1, dots[1] + 1 < token.count else { throw .malformed }
        header = try TokenText.decode(token, 0..<dots[0])
        claims = try TokenText.decode(token, dots[0] + 1..<dots[1])
        signature = try TokenText.decode(token, dots[1] + 1..<token.count)
        signedText = token[..<dots[1]]
    }

    private static func decode(_ token: [UInt8], _ range: Range<Int>) throws(TokenViolation) -> [UInt8] {
        guard let bytes = Base64URL.decode(token.rawSpan.extracting(range)) else { throw .badEncoding }
        return bytes
    }
}

extension JSONObject {
    /// Parses an object of a token, whose members must have different names.
    init(ofToken text: RawSpan) throws(TokenViolation) {
        do throws(JSONViolation) {
            try self.init(parsing: text)
        } catch {
            throw .badJSON
        }
        guard !hasDuplicates else { throw .duplicateMember }
    }
}
