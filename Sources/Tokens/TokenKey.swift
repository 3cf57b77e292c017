internal import Bytes
internal import COpenSSL

/// A key that tokens are verified with, and the algorithms that it is for.
///
/// The algorithms follow from the key and never from a token: a public key cannot be used as the secret of an HMAC.
public struct TokenKey: Sendable {
    private enum Material: Sendable {
        case secret([UInt8])
        case asymmetric(AsymmetricKey)
    }

    static let rsaBits = 2048...8192
    private static let minSecretBytes = 32

    /// The name by which tokens refer to it (`kid`); nil if it has none.
    public let id: String?
    /// The algorithms that it verifies.
    public let algorithms: [TokenAlgorithm]
    private let material: Material
    /// Tells it apart from other keys, also from itself with another name or for other algorithms.
    let fingerprint: UInt64

    /// A secret that the issuer shares with this server.
    public init(secret: [UInt8], id: String? = nil) throws(TokenKeyViolation) {
        try self.init(secret: secret, id: id, only: nil)
    }

    /// A key in PEM: a public key, or a certificate.
    public init(pem text: [UInt8]) throws(TokenKeyViolation) {
        let labels = TokenKey.pemLabels(of: text)
        guard let label = labels.first else { throw .unknownFormat }
        guard labels.count == 1 else { throw .severalBlocks }
        guard !label.hasSuffix("PRIVATE KEY") else { throw .privateKey }
        self.init(try AsymmetricKey(pem: text, label == "CERTIFICATE" ? .certificate : .publicKey))
    }

    init(secret: [UInt8], id: String?, only algorithm: TokenAlgorithm?) throws(TokenKeyViolation) {
        guard secret.count >= TokenKey.minSecretBytes else { throw .shortSecret(bytes: secret.count) }
        self.id = id
        material = .secret(secret)
        algorithms = TokenAlgorithm.all(for: .secret).filter {
            $0.minSecretBytes <= secret.count && (algorithm ?? $0) == $0
        }
        fingerprint = TokenKey.fingerprint(secret, id, algorithms)
    }

    init(_ key: AsymmetricKey, id: String? = nil, only algorithm: TokenAlgorithm? = nil) {
        self.id = id
        material = .asymmetric(key)
        algorithms = TokenAlgorithm.all(for: key.type).filter { (algorithm ?? $0) == $0 }
        fingerprint = TokenKey.fingerprint(key.publicBytes, id, algorithms)
    }

    private static func fingerprint(_ bytes: [UInt8], _ id: String?, _ algorithms: [TokenAlgorithm]) -> UInt64 {
        let names = "\(algorithms.map(\.rawValue)) \(id ?? "")\n"
        return TokenDigest(of: Array(names.utf8) + bytes).number
    }

    var isSecret: Bool { if case .secret = material { true } else { false } }

    /// Whether a signature fits a text.
    func verifies(_ signature: [UInt8], of text: ArraySlice<UInt8>, with algorithm: TokenAlgorithm) -> Bool {
        guard algorithms.contains(algorithm) else { return false }
        switch material {
        case .secret(let secret):
            guard let code = TokenKey.code(of: text, secret, algorithm), code.count == signature.count else {
                return false
            }
            return unsafe CRYPTO_memcmp(code, signature, code.count) == 0
        case .asymmetric(let key): return key.verifies(signature, of: text, with: algorithm)
        }
    }

    /// The message authentication code of a text; nil if the algorithm makes none.
    static func code(of text: ArraySlice<UInt8>, _ secret: [UInt8], _ algorithm: TokenAlgorithm) -> [UInt8]? {
        guard algorithm.keyType == .secret, let digest = unsafe algorithm.digest else { return nil }
        let code = unsafe [UInt8](unsafeUninitializedCapacity: Int(EVP_MAX_MD_SIZE)) { code, count in
            var bytes: UInt32 = 0
            let result = unsafe text.withUnsafeBufferPointer { text in
                unsafe HMAC(
                    digest, secret, Int32(secret.count), text.baseAddress, text.count, code.baseAddress, &bytes)
            }
            count = unsafe result == nil ? 0 : Int(bytes)
        }
        return code.isEmpty ? nil : code
    }

    /// The labels of a PEM file's blocks, such as `PUBLIC KEY`.
    static func pemLabels(of text: [UInt8]) -> [Substring] {
        let parts = String(decoding: text, as: UTF8.self).split(
            separator: "-----BEGIN ", omittingEmptySubsequences: false)
        return parts.dropFirst().map { part in part.firstRange(of: "-----").map { part[..<$0.lowerBound] } ?? "" }
    }
}
