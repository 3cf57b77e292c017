import ArgumentParser

/// The options as they are written; `Settings` reads them, the environment and the defaults together.
///
/// The groups are the headings of `--help`. An option is called like its property, whatever group it is in.
struct ServeOptions: ParsableArguments {
    @OptionGroup(title: "Listening") var listening: Listening
    @OptionGroup(title: "Access") var access: Access
    @OptionGroup(title: "Redis") var redis: Redis
    @OptionGroup(title: "TLS") var tls: TLS
    @OptionGroup(title: "Limits") var limits: Limits
    @OptionGroup(title: "Limits per client") var rates: Rates
    @OptionGroup(title: "Slow consumers") var slowConsumers: SlowConsumers
    @OptionGroup(title: "Timeouts") var timeouts: Timeouts
    @OptionGroup(title: "Speed") var speed: Speed
    @OptionGroup(title: "Logs") var logs: Logs

    /// The properties of all groups: an option is called like one of them.
    static let propertyNames: [String] = [
        Mirror(reflecting: Listening()), Mirror(reflecting: Access()), Mirror(reflecting: Redis()),
        Mirror(reflecting: TLS()), Mirror(reflecting: Limits()), Mirror(reflecting: Rates()),
        Mirror(reflecting: SlowConsumers()), Mirror(reflecting: Timeouts()), Mirror(reflecting: Speed()),
        Mirror(reflecting: Logs()),
    ].flatMap { $0.children.compactMap(\.label) }
}
