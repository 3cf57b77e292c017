import Access
import ArgumentParser
import Protocols

extension ServeOptions {
    /// Who may do what.
    struct Access: ParsableArguments {
        @Option(
            "Browser Origin to allow: https://example.org, https://*.example.org, null, * for all", .origin,
            default: "same origin")
        var allowOrigin: [OriginPattern] = []

        @Option(
            "Name that requests over loopback may use in Host, or *.domain; addresses, localhost and the hosts of "
                + "--allow-origin are always allowed", .host)
        var allowHost: [HostPattern] = []

        @Option(
            "Proxy whose X-Forwarded-For, Forwarded and X-Forwarded-Proto count: an address, a range such as "
                + "10.0.0.0/8, or unix", .proxy)
        var trustedProxy: [TrustedProxy] = []

        @Flag(help: "Let clients publish to channels they have joined, where no rule of --channel says who may.")
        var allowClientPublish = false

        @Option(
            "Rule for the channels of a pattern; the first that matches decides: 'private.*: subscribe=token "
                + "publish=nobody'", .channelRule, default: "anyone may subscribe, nobody may publish")
        var channel: [ChannelRule] = []

        @Option(
            "Key for publishing over HTTP, required from everywhere", .key, default: "only this machine may publish")
        var publishKey: [String] = []

        @Option("File with such keys, one per line", .keyFile)
        var publishKeyFile: [KeyFile] = []

        @Option(
            "Key for /metrics and the whole /health, required from everywhere", .key,
            default: "only this machine, or clients of --admin")
        var apiKey: [String] = []

        @Option("File with such keys, one per line", .keyFile)
        var apiKeyFile: [KeyFile] = []

        @Option(
            "Application of Pusher's clients, as ID:KEY:SECRET and perhaps options: they connect to /app/KEY",
            .pusherApp,
            default: "none, such clients are not served")
        var pusherApp: [PusherApp] = []

        @Option("File with such applications, one per line", .pusherAppFile)
        var pusherAppFile: [PusherAppFile] = []
    }
}
