/// Why a context or session could not be made: an unusable setting, with OpenSSL's error text.
public enum TLSFailure: Error, Equatable, Sendable, CustomStringConvertible {
    /// The file of trusted authorities cannot be read or contains no certificate.
    case unreadableAuthorities(file: String, reason: String)
    /// The certificate's file cannot be read or contains no certificate.
    case unreadableCertificate(file: String, reason: String)
    /// The private key's file cannot be read, contains no key, or needs a passphrase.
    case unreadableKey(file: String, reason: String)
    /// Key and certificate do not belong together.
    case keyDoesNotMatch(keyFile: String, certificateFile: String)
    /// There is a private key but no certificate for it.
    case keyWithoutCertificate(keyFile: String)
    /// A name that no certificate can have: empty, with a NUL, or longer than 255 bytes.
    case invalidServerName(String)
    /// OpenSSL itself failed, usually because it is out of memory.
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
