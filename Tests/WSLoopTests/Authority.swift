import COpenSSL
import Glibc

@testable import WSLoop

/// A throwaway certificate authority, removed together with its files.
@safe
final class Authority {
    /// Files of a certificate and its key.
    struct Identity {
        let certificateFile: String
        let keyFile: String
    }

    /// Validity in seconds from now.
    static let oneHour = -60...3600
    static let over = -7200 ... -3600
    static let tomorrow = 86_400...172_800

    let caFile: String
    private let directory: String
    private let key: OpaquePointer
    private let certificate: OpaquePointer
    private var count = 0

    init(name: String = "Test authority") throws {
        directory = "/tmp/wsloop-tls-\(getpid())-\(UInt64.random(in: .min ... .max))"
        guard unsafe mkdir(directory, 0o700) == 0 else { throw TestFailure(description: "mkdir: errno \(errno)") }
        unsafe key = try Authority.makeKey()
        unsafe certificate = try Authority.makeCertificate(
            name: name, key: key, validity: Authority.oneHour,
            extensions: [(NID_basic_constraints, "critical,CA:TRUE")], issuer: nil, issuerKey: key)
        caFile = directory + "/ca.pem"
        try unsafe write([certificate], to: caFile)
    }

    deinit {
        for name in ["ca", "broken"] { unsafe unlink("\(directory)/\(name).pem") }
        for index in 0..<count {
            unsafe unlink("\(directory)/\(index).pem")
            unsafe unlink("\(directory)/\(index).key")
        }
        unsafe rmdir(directory)
        unsafe X509_free(certificate)
        unsafe EVP_PKEY_free(key)
    }

    /// Issues a certificate.
    ///
    /// - Parameters:
    ///   - names: such as "DNS:localhost" or "IP:127.0.0.1".
    /// - withChain: whether the file also contains the authority's certificate.
    func issue(
        _ names: String..., validity: ClosedRange<Int> = oneHour, withChain: Bool = false, passphrase: String? = nil
    ) throws -> Identity {
        let leafKey = unsafe try Authority.makeKey()
        defer { unsafe EVP_PKEY_free(leafKey) }
        let leaf = unsafe try Authority.makeCertificate(
            name: "Test", key: leafKey, validity: validity,
            extensions: [(NID_subject_alt_name, names.joined(separator: ","))], issuer: certificate, issuerKey: key)
        defer { unsafe X509_free(leaf) }
        let path = "\(directory)/\(count)"
        count += 1
        try unsafe write(withChain ? [leaf, certificate] : [leaf], to: path + ".pem")
        let file = unsafe BIO_new_file(path + ".key", "w")
        defer { unsafe BIO_free(file) }
        let cipher = unsafe passphrase == nil ? nil : EVP_aes_128_cbc()
        let written = unsafe (passphrase ?? "").withCString {
            unsafe PEM_write_bio_PrivateKey(file, leafKey, cipher, nil, 0, nil, UnsafeMutableRawPointer(mutating: $0))
        }
        guard written == 1 else { throw TestFailure(description: "PEM_write_bio_PrivateKey") }
        return Identity(certificateFile: path + ".pem", keyFile: path + ".key")
    }

    /// A file with these bytes.
    func file(containing text: String) throws -> String {
        let path = directory + "/broken.pem"
        let file = unsafe BIO_new_file(path, "w")
        defer { unsafe BIO_free(file) }
        guard unsafe BIO_puts(file, text) == Int32(text.utf8.count) else { throw TestFailure(description: "BIO_puts") }
        return path
    }

    private func write(_ certificates: [OpaquePointer], to path: String) throws {
        let file = unsafe BIO_new_file(path, "w")
        defer { unsafe BIO_free(file) }
        for index in unsafe certificates.indices {
            guard unsafe PEM_write_bio_X509(file, certificates[index]) == 1 else {
                throw TestFailure(description: "PEM_write_bio_X509 \(path)")
            }
        }
    }

    private static func makeKey() throws -> OpaquePointer {
        let context = unsafe EVP_PKEY_CTX_new_id(EVP_PKEY_EC, nil)
        defer { unsafe EVP_PKEY_CTX_free(context) }
        var key: OpaquePointer?
        guard unsafe EVP_PKEY_keygen_init(context) == 1,
            unsafe EVP_PKEY_CTX_set_ec_paramgen_curve_nid(context, NID_X9_62_prime256v1) == 1,
            unsafe EVP_PKEY_keygen(context, &key) == 1, let key = unsafe key
        else { throw TestFailure(description: "EVP_PKEY_keygen") }
        return unsafe key
    }

    private static func makeCertificate(
        name: String, key: OpaquePointer, validity: ClosedRange<Int>, extensions: [(Int32, String)],
        issuer: OpaquePointer?, issuerKey: OpaquePointer
    ) throws -> OpaquePointer {
        guard let certificate = unsafe X509_new() else { throw TestFailure(description: "X509_new") }
        unsafe X509_set_version(certificate, 2)
        unsafe ASN1_INTEGER_set(X509_get_serialNumber(certificate), Int.random(in: 1...Int(Int32.max)))
        unsafe X509_gmtime_adj(X509_getm_notBefore(certificate), validity.lowerBound)
        unsafe X509_gmtime_adj(X509_getm_notAfter(certificate), validity.upperBound)
        unsafe X509_set_pubkey(certificate, key)
        let subject = unsafe X509_get_subject_name(certificate)
        unsafe X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8, name, -1, -1, 0)
        unsafe X509_set_issuer_name(certificate, issuer == nil ? subject : X509_get_subject_name(issuer))
        for (identifier, value) in extensions {
            let entry = unsafe X509V3_EXT_conf_nid(nil, nil, identifier, value)
            defer { unsafe X509_EXTENSION_free(entry) }
            guard unsafe X509_add_ext(certificate, entry, -1) == 1 else {
                throw TestFailure(description: "extension \(value)")
            }
        }
        guard unsafe X509_sign(certificate, issuerKey, EVP_sha256()) > 0 else {
            throw TestFailure(description: "X509_sign")
        }
        return unsafe certificate
    }

    /// MBSTRING_FLAG (a macro in parentheses, which Swift does not import) and 0.
    private static var MBSTRING_UTF8: Int32 { 0x1000 }
}
