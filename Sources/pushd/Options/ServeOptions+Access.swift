import ArgumentParser

extension ServeOptions {
    /// Who may do what.
    struct Access: ParsableArguments {
        @Option(
            parsing: .unconditionalSingleValue,
            help: ArgumentHelp(
                "Browsers' Origin to let in: https://example.org, https://*.example.org, null, * for all (repeatable; "
                    + "default: same origin).", valueName: "origin"))
        var allowOrigin: [String] = []

        @Option(
            parsing: .unconditionalSingleValue,
            help: ArgumentHelp(
                "Name under which requests over loopback are taken, or *.domain (repeatable; addresses, localhost and the "
                    + "hosts of --allow-origin always are).", valueName: "name"))
        var allowHost: [String] = []

        @Option(
            parsing: .unconditionalSingleValue,
            help: ArgumentHelp(
                "Proxy whose X-Forwarded-For, Forwarded and X-Forwarded-Proto count: an address, a range such as "
                    + "10.0.0.0/8, or unix (repeatable).", valueName: "net"))
        var trustedProxy: [String] = []

        @Flag(help: "Let clients publish over their WebSocket to channels they have joined.")
        var allowClientPublish = false

        @Option(
            parsing: .unconditionalSingleValue,
            help: ArgumentHelp(
                "Key for publishing over HTTP, needed from everywhere (repeatable; default: only this machine may "
                    + "publish).", valueName: "key"))
        var publishKey: [String] = []

        @Option(
            parsing: .unconditionalSingleValue,
            help: ArgumentHelp("Holds keys for publishing, one a line (repeatable).", valueName: "file"))
        var publishKeyFile: [String] = []

        @Option(
            parsing: .unconditionalSingleValue,
            help: ArgumentHelp(
                "Key for /metrics and the whole /health, needed from everywhere (repeatable; default: only this machine, "
                    + "or who reaches --admin).", valueName: "key"))
        var apiKey: [String] = []

        @Option(
            parsing: .unconditionalSingleValue,
            help: ArgumentHelp("Holds such keys, one a line (repeatable).", valueName: "file"))
        var apiKeyFile: [String] = []
    }
}
