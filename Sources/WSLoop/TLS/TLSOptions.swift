/// What a TLS client trusts and shows: the settings of one outgoing link.
public struct TLSClientOptions: Sendable, Equatable {
    /// A PEM file of the certificate authorities that the server's certificate must come from; nil: the system's.
    public var caFile: String?
    /// A PEM file of the certificate to show when the server asks for one, followed by its chain; nil: none.
    public var certificateFile: String?
    /// A PEM file of that certificate's private key, without a passphrase; nil: `certificateFile` has it too.
    public var keyFile: String?
    /// Who makes the records.
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

/// What a TLS server shows and demands.
public struct TLSServerOptions: Sendable, Equatable {
    /// The certificates, of which a client gets the first that is for the name it asks for (SNI), or else the first of all.
    public var identities: [TLSIdentity]
    /// A PEM file of authorities: every client must show a certificate from one of them; nil: none is asked for.
    public var clientCAFile: String?
    /// Who makes the records.
    public var records: TLSRecords

    /// Makes the options of a server; there must be an identity.
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

    /// All files that are read.
    public var files: [String] {
        identities.flatMap { [$0.certificateFile, $0.keyFile] } + (clientCAFile.map { [$0] } ?? [])
    }
}
