/// Why a context or session could not be made: a setting that does not work, with OpenSSL's words for it.
public enum TLSFailure: Error, Equatable, Sendable, CustomStringConvertible {
    /// The file of trusted authorities cannot be read, or has no certificate in it.
    case unreadableAuthorities(file: String, reason: String)
    /// The certificate's file cannot be read, or has none in it.
    case unreadableCertificate(file: String, reason: String)
    /// The private key's file cannot be read, has none in it, or wants a passphrase.
    case unreadableKey(file: String, reason: String)
    /// Key and certificate do not belong together.
    case keyDoesNotMatch(keyFile: String, certificateFile: String)
    /// There is a private key but no certificate for it.
    case keyWithoutCertificate(keyFile: String)
    /// No certificate can have this name: it is empty, has a NUL in it or is longer than 255 bytes.
    case invalidServerName(String)
    /// OpenSSL itself failed; out of memory as a rule.
    case library(operation: String, reason: String)

    /// The file and what is wrong with it.
    public var description: String {
        switch self {
        case .unreadableAuthorities(let file, let reason): "no usable certificate authorities in \(file): \(reason)"
        case .unreadableCertificate(let file, let reason): "no usable certificate in \(file): \(reason)"
        case .unreadableKey(let file, let reason): "no usable private key in \(file): \(reason)"
        case .keyDoesNotMatch(let key, let certificate):
            "the private key in \(key) does not belong to the certificate in \(certificate)"
        case .keyWithoutCertificate(let file): "there is no certificate for the private key in \(file)"
        case .invalidServerName(let name): "\"\(name)\" cannot be a TLS server's name"
        case .library(let operation, let reason): "\(operation): \(reason)"
        }
    }
}
