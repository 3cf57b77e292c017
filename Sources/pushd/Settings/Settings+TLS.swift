import Glibc
import PushServer
import WSLoop

// TLS of the listeners.
extension Settings {
    mutating func setTLS(_ options: ServeOptions, _ sources: OptionSources) throws(SettingViolation) {
        let tls = options.tls
        if let certificate = tls.tlsCert.last, tls.tlsCert.count > tls.tlsKey.count {
            throw SettingViolation(
                option: sources.name(of: "--tls-cert"), value: certificate,
                expected: "usable without --tls-key, its private key")
        }
        if let key = tls.tlsKey.last, tls.tlsKey.count > tls.tlsCert.count {
            throw SettingViolation(
                option: sources.name(of: "--tls-key"), value: key,
                expected: "usable without --tls-cert, its certificate")
        }
        guard !tls.tlsCert.isEmpty else { return try refuseTLSWithoutCertificate(tls, sources) }
        server.certificates = try Settings.certificates(tls, sources)
        if !(server.listen + server.admin).contains(where: \.isSecure) {
            (server.listen, server.admin) = (server.listen.map(\.secured), server.admin.map(\.secured))
        }
    }

    private func refuseTLSWithoutCertificate(
        _ options: ServeOptions.TLS, _ sources: OptionSources
    ) throws(SettingViolation) {
        for (option, addresses) in [("--listen", server.listen), ("--admin", server.admin)] {
            guard let address = addresses.first(where: \.isSecure) else { continue }
            throw SettingViolation(
                option: sources.name(of: option), value: "\(address)",
                expected: "possible without --tls-cert and --tls-key")
        }
        guard let file = options.tlsClientCa else { return }
        throw SettingViolation(
            option: sources.name(of: "--tls-client-ca"), value: file,
            expected: "used without --tls-cert and --tls-key")
    }

    private static func certificates(
        _ options: ServeOptions.TLS, _ sources: OptionSources
    ) throws(SettingViolation) -> ServerCertificates {
        do throws(TLSFailure) {
            return try ServerCertificates(
                TLSServerOptions(
                    identities: zip(options.tlsCert, options.tlsKey).map {
                        TLSIdentity(certificateFile: $0, keyFile: $1)
                    },
                    clientCAFile: options.tlsClientCa, records: options.tlsRecords))
        } catch {
            let (option, file) =
                switch error {
                case .unreadableCertificate(let file, _): ("--tls-cert", file)
                case .unreadableKey(let file, _), .keyDoesNotMatch(let file, _): ("--tls-key", file)
                default: ("--tls-client-ca", options.tlsClientCa ?? "")
                }
            throw SettingViolation(
                option: sources.name(of: option), value: file, expected: "usable: \(error)",
                remedy: Settings.remedy(unreadable: file))
        }
    }

    /// What to do about a file that this process may not read; keys usually belong to root.
    static func remedy(unreadable file: String) -> String? {
        guard unsafe access(file, R_OK) != 0, errno == EACCES else { return nil }
        return "the user that runs pushd must be able to read it (systemd: LoadCredential=)"
    }
}
