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
        for bad in ["0", "-1", "x", "", "nan", "inf", "86401", "1s"] {
            #expect(throws: SettingViolation.self, "\(bad)") { try values().seconds("--s", bad) }
        }
        #expect(throws: SettingViolation.self) { try values().seconds("--s", "-0.1", orZero: true) }
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
