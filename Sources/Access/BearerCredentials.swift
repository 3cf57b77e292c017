/// The value of an Authorization header of the form `Bearer TOKEN` (RFC 6750 section 2.1).
public enum BearerCredentials {
    /// The token; nil for another scheme.
    ///
    /// The scheme may be in upper or lower case (RFC 9110 section 11.1).
    public static func token(in authorization: String) -> Substring? {
        let words = authorization.split(separator: " ", maxSplits: 1)
        guard words.count == 2, words[0].lowercased() == "bearer" else { return nil }
        return words[1]
    }
}
