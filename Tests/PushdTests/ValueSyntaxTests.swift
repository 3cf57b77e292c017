import Access
import ArgumentParser
import Channels
import Testing

@testable import pushd

@Suite struct ValueSyntaxTests {
    private func expectRefused<Value>(_ text: String, _ syntax: ValueSyntax<Value>, _ expected: String? = nil) {
        let violation = #expect(throws: ValueViolation.self, "\(text)") { _ = try syntax.parse(text) }
        #expect(violation?.value == text)
        if let expected { #expect(violation?.expected == expected) }
    }

    @Test func numbersAreHeldToTheirRange() throws {
        #expect(try ValueSyntax.number(1...5).parse("5") == 5)
        for bad in ["0", "6", "", "x", "1.0", " 1", "1 ", "99999999999999999999", "-1"] {
            expectRefused(bad, .number(1...5), "a whole number from 1 to 5")
        }
    }

    @Test func limitsMayBeDry() throws {
        #expect(try ValueSyntax.limit().parse("5") == 5)
        #expect(try ValueSyntax.limit().parse("5:dry") == Limit(5, isEnforced: false))
        for bad in ["0", "5:", "5:wet", ":dry", "5:dry:dry", "6"] { expectRefused(bad, .limit(1...5)) }
    }

    @Test func timesMayHaveAFractionAndAUnit() throws {
        for (text, time) in [
            ("1.5", Duration.milliseconds(1500)), ("86400", .seconds(86_400)), ("500ms", .milliseconds(500)),
            ("5s", .seconds(5)), ("0.5S", .milliseconds(500)), ("2m", .seconds(120)), ("1.5m", .seconds(90)),
            ("24h", .seconds(86_400)),
        ] {
            #expect(try ValueSyntax.time.parse(text) == time)
            #expect(try ValueSyntax.timeOrZero.parse(text) == time)
            #expect(try ValueSyntax.time.parse(Units.text(time: time)) == time)
        }
        #expect(try ValueSyntax.timeOrZero.parse("0") == .zero)
        for bad in [
            "-1", "x", "", "nan", "inf", "86401", "1e3", ".", "1..2", "25h", "5 s", "5x", "ms", "1h30m", "5d", "-5s",
        ] {
            expectRefused(bad, .time, "a time above 0 to 24h, such as 30 (seconds), 500ms, 5s, 2m or 1h")
            expectRefused(bad, .timeOrZero, "a time from 0 to 24h, such as 30 (seconds), 500ms, 5s, 2m or 1h")
        }
        for zero in ["0", "0s"] { expectRefused(zero, .time) }
    }

    @Test func sizesMayHaveAUnitOfPowersOf1024() throws {
        for (text, bytes) in [
            ("65536", 65_536), ("1B", 1), ("64k", 65_536), ("64K", 65_536), ("64KB", 65_536), ("64KiB", 65_536),
            ("64kib", 65_536), ("1M", 1 << 20), ("1MB", 1 << 20), ("1MiB", 1 << 20), ("2g", 2 << 30), ("2GiB", 2 << 30),
        ] {
            #expect(try ValueSyntax.size().parse(text) == bytes, "\(text)")
        }
        for bad in [
            "0", "", "M", "1.5M", "1 M", "-1K", "1T", "1KiBs", "0x10", "١K", "9999999999G", "99999999999999999999",
        ] {
            expectRefused(bad, .size(), "a size from 1 byte, such as 65536, 64KiB or 1M")
        }
        expectRefused("2G", .size(32...(1 << 30)), "a size from 32 bytes to 1GiB, such as 65536, 64KiB or 1M")
    }

    @Test func choicesAreNamed() {
        enum Two: String, CaseIterable { case off, on }
        enum Four: String, CaseIterable { case a, b, c, d }
        expectRefused("x", ValueSyntax<Two>.choice("kind"), "off or on")
        expectRefused("A", ValueSyntax<Four>.choice("kind"), "one of a, b, c, d")
    }

    @Test func channelRules() throws {
        let rule = try ValueSyntax.channelRule.parse(
            "a: b.*: subscribe=token  publish=subscribers slow-consumer=conflate wildcard=allow conflate-every=250ms")
        #expect(rule.pattern.text == "a: b.*" && rule.subscribe == .token && rule.publish == .subscribers)
        #expect(rule.slowConsumer == .conflate)
        let text =
            "a: b.*: subscribe=token publish=subscribers slow-consumer=conflate wildcard=allow conflate-every=250ms"
        #expect(ChannelRuleSyntax.text(rule) == text)
        #expect(try ValueSyntax.channelRule.parse(text) == rule)
    }

    @Test(arguments: [
        ("a.*", "'a.*' is not a rule: PATTERN: "), ("a.*:subscribe=token", "'a.*:subscribe=token' is not a rule: "),
        ("a.*: ", "'a.*: ' is not a rule: "), (": subscribe=token", "': subscribe=token' is not a rule: "),
        ("a: token", "'token' is not FIELD=VALUE"),
        ("a: subscribe=tokn", "'subscribe=tokn' is not subscribe= and one of anyone, token, ask, nobody"),
        ("a: subscribe=subscribers", "'subscribe=subscribers' is not subscribe= and one of anyone, token, ask, nobody"),
        ("a: publish=", "'publish=' is not publish= and one of anyone, subscribers, token, ask, nobody"),
        ("a: subscribe=token subscribe=anyone", "'subscribe' is not allowed twice in one rule"),
        ("a: Subscribe=token", "'Subscribe' is not a field of a rule; they are subscribe, publish, slow-consumer"),
        ("a: history=100", "'history=100' is not history= and COUNT/TIME, as in 100/5m"),
        ("a: wildcard=on", "'wildcard=on' is not wildcard= and one of allow, deny"),
        (
            "a: conflate-every=1ms",
            "'conflate-every=1ms' is not conflate-every= and a time such as 100ms, from 10ms to 1m"
        ),
        ("a: presence=yes", "'presence=yes' is not presence= and one of on, off"),
        ("a: presence-grace=2h", "'presence-grace=2h' is not presence-grace= and a time such as 10s, at most an hour"),
        ("a: slow-consumer=drop", "'slow-consumer=drop' is not slow-consumer= and one of disconnect, "),
    ])
    func aBadChannelRuleIsExplained(text: String, problem: String) {
        let violation = #expect(throws: ValueViolation.self) { _ = try ValueSyntax.channelRule.parse(text) }
        #expect(violation?.description.hasPrefix(problem) == true, "\(violation?.description ?? "")")
    }

    @Test(arguments: ["se cret", "\u{7F}"]) func aKeyIsNotShown(key: String) {
        #expect(throws: ValueViolation.self) { try ValueSyntax.key.parse(key) }.map { #expect($0.value == "***") }
    }

    @Test func helpHasWhatADeclarationSays() {
        struct Options: ParsableArguments {
            @Option("Size of it", .size()) var size = 65_536
            @Option("Time for it", .time, default: "depends") var time: Duration?
            @Option("Name of it", .text()) var name: [String] = ["a", "b"]
            @Option("Another name", .text()) var other: String?
        }
        let help = Options.helpMessage(columns: 200).split(separator: "\n").map { $0.drop { $0 == " " } }
        for line in [
            "--size <size>           Size of it (default: 64KiB).",
            "--time <time>           Time for it (default: depends).",
            "--name <text>           Name of it (repeatable; default: a,b).", "--other <text>          Another name.",
        ] {
            #expect(help.contains { $0 == line }, "\(help)")
        }
    }
}
