import ArgumentParser
import Hooks
import PushServer

extension ServeOptions {
    /// The backend that is asked what clients may do, and told what happens.
    struct Hooks: ParsableArguments {
        @Option("URL to ask whether a client may connect, and who it is", .webURL)
        var hookConnect: String?

        @Option("URL to ask where a channel's rule says subscribe=ask", .webURL)
        var hookSubscribe: String?

        @Option("URL to ask where a channel's rule says publish=ask", .webURL)
        var hookPublish: String?

        @Option("URL to tell what happens: clients come and go, channels are occupied and vacated", .webURL)
        var hookEvents: String?

        @Option(
            "Event to send: connected, disconnected, occupied, vacated, joined, left, published", .choice("name"),
            default: "all")
        var hookEvent: [EventKind] = []

        @Option("A channel is vacated, and a user has left it, when nobody has come back for this long", .timeOrZero)
        var hookGrace = defaults.hooks.grace

        @Option("Header of the client's handshake to pass on in questions, such as cookie", .headerName)
        var hookHeader: [String] = []

        @Option("What happens to a client when there is no answer: refuse or allow", .choice("refuse|allow"))
        var hookFailure = HookDefault.refuse

        @Option("A question must be answered within this time", .time)
        var hookTimeout = defaults.hooks.timeLimit

        @Option("File with the secret that signs what is sent, one line", .keyFile)
        var hookSecretFile: KeyFile?

        @Option("Authorities (PEM) to trust for https://, also for --token-jwks", .file, default: "the system's")
        var hookCa: String?
    }
}
