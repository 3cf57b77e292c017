import Testing

@testable import pushd

@Suite struct OptionValuesTests {
    private func values(_ environment: [String: String] = [:]) -> OptionValues {
        OptionValues(environment: environment)
    }

    @Test func theCommandLineWinsOverTheEnvironment() {
        #expect(values(["PUSHD_REDIS_PREFIX": "e"]).text("--redis-prefix", "c") == "c")
        #expect(values(["PUSHD_REDIS_PREFIX": "e"]).text("--redis-prefix", nil) == "e")
        #expect(values().text("--redis-prefix", nil) == nil)
    }

    @Test func anEmptyVariableIsNone() {
        #expect(values(["PUSHD_DRAIN": ""]).text("--drain", nil) == nil)
        #expect(values().text("--redis-prefix", "") == "", "but an empty argument is one")
    }

    @Test func repeatableOptionsAreSeparatedByCommasInTheEnvironment() throws {
        let environment = ["PUSHD_LISTEN": "a,b,,c"]
        #expect(try values(environment).each("--listen", [], "x") { $0 } == ["a", "b", "c"])
        #expect(try values(environment).each("--listen", ["d"], "x") { $0 } == ["d"], "they are not added up")
        #expect(try values().each("--listen", ["a,b"], "x") { $0 } == ["a,b"])
        #expect(try values().each("--listen", [], "x") { $0 } == nil)
        #expect(try values(["PUSHD_LISTEN": ","]).each("--listen", [], "x") { $0 } == nil)
    }

    @Test func oneBadValueOfSeveralIsNamed() {
        #expect(throws: SettingViolation.self) {
            try values(["PUSHD_N": "1,x"]).each("--n", [], "a number") { Int($0) }
        }
    }

    @Test func numbersAreHeldToTheirRange() throws {
        #expect(try values().number("--n", "5", 1...5) == 5)
        #expect(try values().number("--n", nil, 1...5) == nil)
        for bad in ["0", "6", "", "x", "1.0", " 1", "1 ", "99999999999999999999", "-1"] {
            #expect(throws: SettingViolation.self, "\(bad)") { try values().number("--n", bad, 1...5) }
        }
    }

    @Test func secondsMayHaveAFraction() throws {
        #expect(try values().seconds("--s", "1.5") == .milliseconds(1500))
        #expect(try values().seconds("--s", "86400") == .seconds(86_400))
        #expect(try values().seconds("--s", "0", orZero: true) == .zero)
        for bad in ["0", "-1", "x", "", "nan", "inf", "86401", "1e3", ".", "1..2"] {
            #expect(throws: SettingViolation.self, "\(bad)") { try values().seconds("--s", bad) }
        }
        #expect(throws: SettingViolation.self) { try values().seconds("--s", "-0.1", orZero: true) }
    }

    @Test func timesMayHaveAUnit() throws {
        for (text, time) in [
            ("500ms", Duration.milliseconds(500)), ("5s", .seconds(5)), ("0.5S", .milliseconds(500)),
            ("2m", .seconds(120)), ("1.5m", .seconds(90)), ("24h", .seconds(86_400)),
        ] {
            #expect(try values().seconds("--s", text) == time)
        }
        for bad in ["0s", "25h", "5 s", "5x", "ms", "1h30m", "5d", "-5s", "nans"] {
            let violation = #expect(throws: SettingViolation.self, "\(bad)") { try values().seconds("--s", bad) }
            #expect(violation?.expected.contains("500ms, 5s, 2m or 1h") == true)
        }
    }

    @Test func sizesMayHaveAUnitOfPowersOf1024() throws {
        for (text, bytes) in [
            ("65536", 65_536), ("1B", 1), ("64k", 65_536), ("64K", 65_536), ("64KB", 65_536), ("64KiB", 65_536),
            ("64kib", 65_536), ("1M", 1 << 20), ("1MB", 1 << 20), ("1MiB", 1 << 20), ("2g", 2 << 30), ("2GiB", 2 << 30),
        ] {
            #expect(try values().bytes("--b", text, 1...Int.max) == bytes, "\(text)")
        }
        for bad in [
            "0", "", "M", "1.5M", "1 M", "-1K", "1T", "1KiBs", "0x10", "١K", "9999999999G", "99999999999999999999",
        ] {
            let violation = #expect(throws: SettingViolation.self, "\(bad)") {
                try values().bytes("--b", bad, 1...Int.max)
            }
            #expect(violation?.expected == "a size from 1 byte, such as 65536, 64KiB or 1M")
        }
        let violation = #expect(throws: SettingViolation.self) { try values().bytes("--b", "2G", 32...(1 << 30)) }
        #expect(violation?.expected == "a size from 32 bytes to 1GiB, such as 65536, 64KiB or 1M")
    }

    @Test func aVariableIsNamedAsSuch() {
        let values = values(["PUSHD_MAX_N": "x,y"])
        func name(_ given: String?) -> String? {
            #expect(throws: SettingViolation.self) { try values.number("--max-n", given, 1...5) }?.option
        }
        func nameOfOneOfSeveral(_ given: [String]) -> String? {
            #expect(throws: SettingViolation.self) { try values.each("--max-n", given, "a number") { Int($0) } }?.option
        }
        #expect(name(nil) == "PUSHD_MAX_N" && name("z") == "--max-n")
        #expect(nameOfOneOfSeveral([]) == "PUSHD_MAX_N" && nameOfOneOfSeveral(["z"]) == "--max-n")
        #expect(values.name("--other", nil) == "--other")
    }

    @Test func flagsInTheEnvironment() throws {
        for on in ["1", "true", "TRUE", "yes", "on"] { #expect(try values(["PUSHD_F": on]).flag("--f", false)) }
        for off in ["0", "false", "No", "off", ""] { #expect(try !values(["PUSHD_F": off]).flag("--f", false)) }
        #expect(try values(["PUSHD_F": "0"]).flag("--f", true), "the command line wins")
        #expect(throws: SettingViolation.self) { try values(["PUSHD_F": "maybe"]).flag("--f", false) }
    }

    @Test func theProcessEnvironmentIsRead() throws {
        #expect(try #require(Environment.current["PATH"]).contains("/"))
    }
}
