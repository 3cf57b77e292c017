import Glibc
import PushServer
import WSLoop

// TLS of the listeners.
extension Settings {
    mutating func readTLS(_ options: ServeOptions, _ values: OptionValues) throws(SettingViolation) {
        let certificates = values.texts("--tls-cert", options.tls.tlsCert)
        let keys = values.texts("--tls-key", options.tls.tlsKey)
        let clientCA = values.text("--tls-client-ca", options.tls.tlsClientCa)
        let (certificateName, keyName) = Settings.names(options.tls, values)
        if certificates.count > keys.count {
            throw SettingViolation(
                option: certificateName, value: certificates.last ?? "",
                expected: "usable without --tls-key, its private key")
        }
        if keys.count > certificates.count {
            throw SettingViolation(
                option: keyName, value: keys.last ?? "", expected: "usable without --tls-cert, its certificate")
        }
        guard !certificates.isEmpty else { return try refuseTLSWithoutCertificate(options, values, clientCA) }
        let identities = zip(certificates, keys).map { TLSIdentity(certificateFile: $0, keyFile: $1) }
        server.certificates = try Settings.certificates(
            TLSServerOptions(
                identities: identities, clientCAFile: clientCA, records: try Settings.records(options.tls, values)),
            options.tls, values)
        if !(server.listen + server.admin).contains(where: \.isSecure) {
            (server.listen, server.admin) = (server.listen.map(\.secured), server.admin.map(\.secured))
        }
    }

    private func refuseTLSWithoutCertificate(
        _ options: ServeOptions, _ values: OptionValues, _ clientCA: String?
    ) throws(SettingViolation) {
        for (option, given, addresses) in [
            ("--listen", options.listening.listen, server.listen), ("--admin", options.listening.admin, server.admin),
        ] {
            guard let address = addresses.first(where: \.isSecure) else { continue }
            throw SettingViolation(
                option: values.name(option, given.first), value: "\(address)",
                expected: "possible without --tls-cert and --tls-key")
        }
        guard let clientCA else { return }
        throw SettingViolation(
            option: values.name("--tls-client-ca", options.tls.tlsClientCa), value: clientCA,
            expected: "used without --tls-cert and --tls-key")
    }

    static func records(_ options: ServeOptions.TLS, _ values: OptionValues) throws(SettingViolation) -> TLSRecords {
        try values.one("--tls-records", options.tlsRecords, "openssl or compact") { TLSRecords(rawValue: $0) }
            ?? .openssl
    }

    private static func names(
        _ options: ServeOptions.TLS, _ values: OptionValues
    ) -> (certificate: String, key: String) {
        (values.name("--tls-cert", options.tlsCert.first), values.name("--tls-key", options.tlsKey.first))
    }

    private static func certificates(
        _ files: TLSServerOptions, _ options: ServeOptions.TLS, _ values: OptionValues
    ) throws(SettingViolation) -> ServerCertificates {
        do throws(TLSFailure) {
            return try ServerCertificates(files)
        } catch {
            let names = names(options, values)
            let (option, file) =
                switch error {
                case .unreadableCertificate(let file, _): (names.certificate, file)
                case .unreadableKey(let file, _), .keyDoesNotMatch(let file, _): (names.key, file)
                default: (values.name("--tls-client-ca", options.tlsClientCa), files.clientCAFile ?? "")
                }
            throw SettingViolation(
                option: option, value: file, expected: "usable: \(error)", remedy: Settings.remedy(unreadable: file))
        }
    }

    /// What to do about a file that this process may not read: keys belong to root as a rule.
    static func remedy(unreadable file: String) -> String? {
        guard unsafe access(file, R_OK) != 0, errno == EACCES else { return nil }
        return "the user that runs pushd must be able to read it (systemd: LoadCredential=)"
    }
}
