internal import Bytes

/// The keys that tokens are verified with; several can be in use at the same time.
public struct TokenKeys: Sendable {
    static let maxCount = 64

    /// The keys.
    public let keys: [TokenKey]

    /// A set of keys.
    public init(_ keys: [TokenKey]) throws(TokenKeyViolation) {
        guard keys.count <= TokenKeys.maxCount else { throw .tooManyKeys }
        self.keys = keys
    }

    /// Reads a file: a public key or a certificate in PEM, a JSON Web Key, or a set of those.
    public init(file bytes: [UInt8]) throws(TokenKeyViolation) {
        guard let first = bytes.first(where: { !$0.isWhitespace }), first == UInt8(ascii: "{") else {
            try self.init([TokenKey(pem: bytes)])
            return
        }
        try self.init(jwks: bytes, isPublic: false)
    }

    /// Reads a JSON Web Key Set (RFC 7517 section 5), or a single key.
    ///
    /// Keys for encryption are left out.
    ///
    /// - Parameter isPublic: whether others can read the document. Secrets are left out then, and keys that cannot be
    ///   used as well, so that a provider can add new kinds; otherwise they are errors.
    public init(jwks bytes: [UInt8], isPublic: Bool) throws(TokenKeyViolation) {
        guard let document = try? JSONObject(parsing: bytes.rawSpan), !document.hasDuplicates else {
            throw .unknownFormat
        }
        var keys: [TokenKey] = []
        for object in try TokenKeys.members(of: document, bytes) {
            do throws(TokenKeyViolation) {
                guard let key = try TokenKey(jwk: object), !(isPublic && key.isSecret) else { continue }
                keys.append(key)
            } catch {
                if !isPublic { throw error }
            }
        }
        guard !keys.isEmpty else { throw .noKeys }
        try self.init(keys)
    }

    /// The keys' objects.
    private static func members(of document: JSONObject, _ bytes: [UInt8]) throws(TokenKeyViolation) -> [JSONObject] {
        guard document["kty"] == nil else { return [document] }
        guard let range = document.rawRange(of: "keys"), let elements = JSON.elements(bytes.rawSpan.extracting(range))
        else { throw .unknownFormat }
        // Before they are read, which costs more than to count them.
        guard elements.count <= maxCount else { throw .tooManyKeys }
        var objects: [JSONObject] = []
        for element in elements {
            let text = bytes[range][(range.lowerBound + element.lowerBound)..<(range.lowerBound + element.upperBound)]
            guard let object = try? JSONObject(parsing: Array(text).rawSpan), !object.hasDuplicates else {
                throw .unknownFormat
            }
            objects.append(object)
        }
        return objects
    }

    /// Whether there are no keys.
    public var isEmpty: Bool { keys.isEmpty }

    /// These keys and others.
    public func adding(_ others: TokenKeys) throws(TokenKeyViolation) -> TokenKeys {
        try TokenKeys(keys + others.keys)
    }

    /// Whether a key has this name.
    func contains(id: String) -> Bool { keys.contains { $0.id?.utf8.elementsEqual(id.utf8) == true } }

    /// The keys that a token may have been signed with.
    ///
    /// If the token names a key, these are the keys with that name, or else those without one, such as PEM files.
    func candidates(id: String?, _ algorithm: TokenAlgorithm) -> [TokenKey] {
        let fitting = keys.filter { $0.algorithms.contains(algorithm) }
        guard let id else { return fitting }
        let named = fitting.filter { $0.id?.utf8.elementsEqual(id.utf8) == true }
        return named.isEmpty ? fitting.filter { $0.id == nil } : named
    }
}

extension UInt8 {
    fileprivate var isWhitespace: Bool { self == 0x20 || (0x09...0x0D).contains(self) }
}
