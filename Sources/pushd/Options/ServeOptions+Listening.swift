import ArgumentParser
import HTTP
import PushServer
import WSLoop

extension ServeOptions {
    /// Where clients come in.
    struct Listening: ParsableArguments {
        @Option(
            "PORT, HOST:PORT, [::]:PORT, with tls: before it, or unix:PATH; proxy: before it for the PROXY protocol",
            .address, default: "[::]:8081, both families")
        var listen = defaults.listen

        @Option(
            "Separate address for /metrics and the whole /health, which are then not on the others", .address)
        var admin: [ListenAddress] = []

        @Option("Also serve everything below this path: /push", .pathPrefix)
        var pathPrefix: PathPrefix?
    }

    /// Certificates of the listeners.
    struct TLS: ParsableArguments {
        @Option(
            "Certificate and chain (PEM) for TLS on the addresses with tls:, or on all TCP ones if none has it; chosen by "
                + "name",
            .file)
        var tlsCert: [String] = []

        @Option("Private key (PEM) of each certificate, in the same order", .file)
        var tlsKey: [String] = []

        @Option("Clients must present a certificate of these authorities (PEM)", .file)
        var tlsClientCa: String?

        @Option("Implementation of TLS records: openssl, or compact for little memory", .choice("kind"))
        var tlsRecords = TLSRecords.openssl
    }
}
