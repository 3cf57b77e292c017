import ArgumentParser
import PushServer

/// The catalogue of settings, from which the command line, the variables, the help and the documents' tables are made.
///
/// A declaration says what an option is for, how its values are written, and its default. The option has the property's
/// name.
///
/// The groups are the headings of `--help` and of docs/configuration.md.
struct ServeOptions: ParsableArguments {
    @OptionGroup(title: "Configuration file") var configuration: Configuration
    @OptionGroup(title: "Listening") var listening: Listening
    @OptionGroup(title: "Access") var access: Access
    @OptionGroup(title: "Tokens") var tokens: Tokens
    @OptionGroup(title: "Hooks") var hooks: Hooks
    @OptionGroup(title: "Redis") var redis: Redis
    @OptionGroup(title: "TLS") var tls: TLS
    @OptionGroup(title: "Limits") var limits: Limits
    @OptionGroup(title: "Limits per client") var rates: Rates
    @OptionGroup(title: "Slow consumers") var slowConsumers: SlowConsumers
    @OptionGroup(title: "Timeouts") var timeouts: Timeouts
    @OptionGroup(title: "Speed") var speed: Speed
    @OptionGroup(title: "Logs") var logs: Logs

    static let defaults = ServerConfiguration()
    static let catalogue = OptionCatalogue(of: ServeOptions())
}
