import Testing

@testable import pushd

/// Each option, from the command line and from its variable.
@Suite struct OptionValuesTests {
    /// All options together, since a debug build takes a third of a second to parse a command line.
    @Test func precedence() throws {
        let options = SampleOption.all
        func check(_ settings: Settings, _ expected: (SampleOption) -> String, _ comment: Comment) {
            for option in options { #expect(option.read(settings) == expected(option), comment) }
        }
        let usual = try Settings(parsing: [])
        for number in 0...1 {
            let arguments = options.flatMap { [$0.name, $0.values[number]] }
            check(try Settings(parsing: arguments), { $0.values[number] }, "an argument")
            let variables = Dictionary(uniqueKeysWithValues: options.map { ($0.variable, $0.values[number]) })
            check(try Settings(parsing: [], variables), { $0.values[number] }, "a variable")
            let others = options.flatMap { [$0.name, $0.values[1 - number]] }
            check(try Settings(parsing: others, variables), { $0.values[1 - number] }, "the command line wins")
        }
        let empty = options.filter { !SampleOption.secrets.contains($0.name) }.map { ($0.variable, "") }
        let unset = try Settings(parsing: [], Dictionary(uniqueKeysWithValues: empty))
        check(unset, { $0.read(usual) }, "an empty variable is none")
    }

    @Test func severalValues() throws {
        let options = named([
            "--listen", "--admin", "--redis-map", "--allow-origin", "--allow-host", "--publish-key", "--api-key",
            "--trusted-proxy",
        ])
        let twice = try Settings(parsing: options.flatMap { [$0.name, $0.values[0], $0.name, $0.values[1]] })
        let variables = options.map { ($0.variable, $0.values.joined(separator: ",")) }
        let list = try Settings(parsing: [], Dictionary(uniqueKeysWithValues: variables))
        for option in options {
            #expect(option.read(twice) == option.values.joined(separator: ","))
            #expect(option.read(list) == option.values.joined(separator: ","))
        }
    }

    @Test(arguments: [
        (
            ["--max-message", "--max-publish", "--outbox-limit", "--outbox-budget", "--inbound-budget"],
            ["64KiB": "65536", "1m": "1048576"]
        ),
        (
            [
                "--redis-connect-timeout", "--redis-silence", "--stall-timeout", "--ping-interval", "--pong-timeout",
                "--handshake-timeout", "--drain",
            ], ["1500ms": "1.5", "2m": "120.0"]
        ),
    ])
    func units(names: [String], values: [String: String]) throws {
        let options = named(names)
        for (value, expected) in values {
            let given = try Settings(parsing: options.flatMap { [$0.name, value] })
            let variables = Dictionary(uniqueKeysWithValues: options.map { ($0.variable, value) })
            let inherited = try Settings(parsing: [], variables)
            for option in options { #expect(option.read(given) == expected && option.read(inherited) == expected) }
        }
    }

    /// One option for each syntax; `precedence` shows that each variable is its option's.
    @Test(arguments: [
        "--listen", "--redis", "--redis-map", "--workers", "--io", "--max-connections", "--max-message",
        "--slow-consumer", "--max-message-rate", "--stall-timeout", "--allow-origin", "--allow-host", "--trusted-proxy",
        "--hook-connect", "--hook-header", "--hook-ca", "--path-prefix",
    ])
    func aBadVariableIsNamed(name: String) throws {
        let variable = named([name])[0].variable
        let problem = try refusal(of: [], [variable: "no good value"])
        #expect(problem.hasPrefix("\(variable): 'no good value' is not "))
    }

    @Test func aBadVariableIsNotReadWhereTheCommandLineHasTheOption() throws {
        let options = SampleOption.all
        let variables = Dictionary(uniqueKeysWithValues: options.map { ($0.variable, "no good value") })
        let settings = try Settings(parsing: options.flatMap { [$0.name, $0.values[0]] }, variables)
        for option in options { #expect(option.read(settings) == option.values[0]) }
    }

    private func named(_ names: [String]) -> [SampleOption] {
        names.compactMap { name in SampleOption.all.first { $0.name == name } }
    }
}
