import ArgumentParser

extension ServeOptions {
    /// Where options are read from besides the command line.
    struct Configuration: ParsableArguments {
        @Option("YAML file with options; the command line and variables win", .file)
        var config: String?
    }
}
