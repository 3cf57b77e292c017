/// What a TLS client trusts and presents: the settings of one outgoing link.
public struct TLSClientOptions: Sendable, Equatable {
    /// A PEM file of the authorities that may have issued the server's certificate; nil: the system's.
    public var caFile: String?
    /// A PEM file of the certificate to present when the server asks for one, followed by its chain; nil: none.
    public var certificateFile: String?
    /// A PEM file of that certificate's private key, without a passphrase; nil: the key is in `certificateFile`.
    public var keyFile: String?
    /// Which code seals and opens the records.
    public var records: TLSRecords

    /// Makes the options.
    public init(
        caFile: String? = nil, certificateFile: String? = nil, keyFile: String? = nil, records: TLSRecords = .openssl
    ) {
        self.caFile = caFile
        self.certificateFile = certificateFile
        self.keyFile = keyFile
        self.records = records
    }
}

/// A certificate and its private key.
public struct TLSIdentity: Sendable, Equatable {
    /// A PEM file of the server's certificate, followed by its chain.
    public var certificateFile: String
    /// A PEM file of its private key, without a passphrase.
    public var keyFile: String

    /// Names the files.
    public init(certificateFile: String, keyFile: String) {
        self.certificateFile = certificateFile
        self.keyFile = keyFile
    }
}

/// What a TLS server presents and requires.
public struct TLSServerOptions: Sendable, Equatable {
    /// The certificates: a client gets the first one for the name it asks for (SNI), or else the first one.
    public var identities: [TLSIdentity]
    /// A PEM file of authorities for client certificates, which are then required; nil for no client certificates.
    public var clientCAFile: String?
    /// Which code seals and opens the records.
    public var records: TLSRecords

    /// Makes the options of a server; at least one identity is required.
    public init(identities: [TLSIdentity], clientCAFile: String? = nil, records: TLSRecords = .openssl) {
        precondition(!identities.isEmpty, "TLSServerOptions: a server needs a certificate")
        self.identities = identities
        self.clientCAFile = clientCAFile
        self.records = records
    }

    /// Makes the options of a server with one certificate.
    public init(
        certificateFile: String, keyFile: String, clientCAFile: String? = nil, records: TLSRecords = .openssl
    ) {
        self.init(
            identities: [TLSIdentity(certificateFile: certificateFile, keyFile: keyFile)], clientCAFile: clientCAFile,
            records: records)
    }

    /// All files that a context reads.
    public var files: [String] {
        identities.flatMap { [$0.certificateFile, $0.keyFile] } + (clientCAFile.map { [$0] } ?? [])
    }
}
