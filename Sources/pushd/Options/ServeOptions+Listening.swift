import ArgumentParser

extension ServeOptions {
    /// Where clients come in.
    struct Listening: ParsableArguments {
        @Option(
            parsing: .unconditionalSingleValue,
            help: ArgumentHelp(
                "PORT, HOST:PORT, [::]:PORT, with tls: before it, or unix:PATH; proxy: before it for the PROXY protocol "
                    + "(repeatable; default [::]:8081, both families).",
                valueName: "addr"))
        var listen: [String] = []

        @Option(
            parsing: .unconditionalSingleValue,
            help: ArgumentHelp(
                "Address of its own for /metrics and the whole /health, which are then found nowhere else (repeatable).",
                valueName: "addr"))
        var admin: [String] = []

        @Option(
            parsing: .unconditional,
            help: ArgumentHelp("A path below which everything is served as well: /push.", valueName: "path"))
        var pathPrefix: String?
    }

    /// Certificates of the listeners.
    struct TLS: ParsableArguments {
        @Option(
            parsing: .unconditionalSingleValue,
            help: ArgumentHelp(
                "Certificate and chain (PEM) for TLS; on all TCP addresses unless some have tls: (repeatable, chosen by name).",
                valueName: "file"))
        var tlsCert: [String] = []

        @Option(
            parsing: .unconditionalSingleValue,
            help: ArgumentHelp("Private key (PEM) of each certificate, in the same order.", valueName: "file"))
        var tlsKey: [String] = []

        @Option(
            parsing: .unconditional,
            help: ArgumentHelp("Authorities (PEM) that every client must have a certificate of.", valueName: "file"))
        var tlsClientCa: String?

        @Option(
            parsing: .unconditional,
            help: ArgumentHelp(
                "Which code makes the records: openssl, or compact for little memory (default openssl).",
                valueName: "kind"))
        var tlsRecords: String?
    }
}
