internal import CUV
internal import Glibc

/// A file from which OpenSSL could not read what it should hold, and whose words ("no start line") help nobody.
enum PEMFile {
    enum Content { case certificate, privateKey }

    private static let maxBytes = 1 << 16

    /// What is wrong with a file that should hold `content`; nil if it cannot be told.
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

    /// The beginning of a regular file; a pipe was read up already.
    private static func text(of file: String) -> String? {
        let descriptor = unsafe open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var status = stat()
        guard unsafe fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return nil }
        var buffer = [UInt8](repeating: 0, count: maxBytes)
        let count = unsafe buffer.withUnsafeMutableBytes { unsafe read(descriptor, $0.baseAddress, $0.count) }
        guard count >= 0 else { return nil }
        return String(decoding: buffer.prefix(count), as: UTF8.self)
    }
}
