/// What a TLS client trusts and shows: the settings of one outgoing link.
public struct TLSClientOptions: Sendable, Equatable {
    /// A PEM file of the certificate authorities that the server's certificate must come from; nil: the system's.
    public var caFile: String?
    /// A PEM file of the certificate to show when the server asks for one, followed by its chain; nil: none.
    public var certificateFile: String?
    /// A PEM file of that certificate's private key, without a passphrase; nil: `certificateFile` has it too.
    public var keyFile: String?

    /// Makes the options.
    public init(caFile: String? = nil, certificateFile: String? = nil, keyFile: String? = nil) {
        self.caFile = caFile
        self.certificateFile = certificateFile
        self.keyFile = keyFile
    }
}

/// What a TLS server shows and demands.
public struct TLSServerOptions: Sendable, Equatable {
    /// A PEM file of the server's certificate, followed by its chain.
    public var certificateFile: String
    /// A PEM file of its private key, without a passphrase.
    public var keyFile: String
    /// A PEM file of authorities: every client must show a certificate from one of them; nil: none is asked for.
    public var clientCAFile: String?

    /// Makes the options.
    public init(certificateFile: String, keyFile: String, clientCAFile: String? = nil) {
        self.certificateFile = certificateFile
        self.keyFile = keyFile
        self.clientCAFile = clientCAFile
    }
}
