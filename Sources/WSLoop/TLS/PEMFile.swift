internal import CUV
internal import Glibc

/// Explains what is wrong with a file that OpenSSL could not use; OpenSSL's own texts ("no start line") do not help.
enum PEMFile {
    enum Content { case certificate, privateKey }

    private static let maxBytes = 1 << 16

    /// What is wrong with a file that should hold `content`; nil if unknown.
    static func problem(of file: String, holding content: Content) -> String? {
        guard let text = text(of: file) else { return nil }
        guard !text.isEmpty else { return "it is empty" }
        guard text.contains("-----BEGIN ") else { return "it is not a PEM file" }
        let hasCertificate = text.contains("-----BEGIN CERTIFICATE-----")
        let hasKey = text.contains("PRIVATE KEY-----")
        switch content {
        case .certificate where hasKey && !hasCertificate:
            return "it holds a private key; are certificate and key swapped?"
        case .privateKey where hasCertificate && !hasKey:
            return "it holds a certificate; are certificate and key swapped?"
        default: return nil
        }
    }

    /// The beginning of a regular file; a pipe cannot be read again.
    private static func text(of file: String) -> String? {
        var status = Glibc.stat()
        guard unsafe stat(file, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return nil }
        return SystemFile.read(file, minBytes: maxBytes).map { String(decoding: $0.prefix(maxBytes), as: UTF8.self) }
    }
}
