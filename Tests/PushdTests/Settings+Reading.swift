import ArgumentParser
import Testing

@testable import pushd

extension Settings {
    /// The settings that a command line and variables make.
    init(parsing arguments: [String], _ environment: [String: String] = [:]) throws {
        let sources = try OptionSources(arguments, environment: environment)
        self = try Settings(try ServeOptions.parse(Array(sources.arguments.dropFirst())), sources)
    }
}

/// What is said about options that cannot be used.
func refusal(of arguments: [String], _ environment: [String: String] = [:]) throws -> String {
    let error = try #require(throws: (any Error).self) { try Settings(parsing: arguments, environment) }
    if let violation = error as? SettingViolation { return "\(violation)" }
    let sources = try OptionSources(arguments, environment: environment)
    return UsageError.explained(ServeOptions.message(for: error), arguments, sources)
}
