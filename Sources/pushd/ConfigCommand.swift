import ArgumentParser

/// Prints the configuration that serve would have.
struct ConfigCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "config",
        abstract: "Print the configuration that serve would have with these options, as a file for --config.",
        discussion: """
            It says of each value whether it comes from the command line, a variable or a line of the file. Secrets are \
            replaced by \(Secrets.mask).
            """)

    @OptionGroup(visibility: .hidden) var options: ServeOptions

    func run() throws {
        let sources = try Pushd.sources.get()
        _ = try Settings(options, sources)
        print(
            ConfigurationText(sources).text(ServeOptions.catalogue.entries, defaults: OptionDefaults.texts),
            terminator: "")
    }
}
