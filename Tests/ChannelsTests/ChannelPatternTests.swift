import TestSupport
import Testing

@testable import Channels

/// The definition: tries every length that a `*` can match.
private func naivelyMatches(_ pattern: ArraySlice<UInt8>, _ name: ArraySlice<UInt8>) -> Bool {
    guard let first = pattern.first else { return name.isEmpty }
    if first == UInt8(ascii: "*") {
        return (0...name.count).contains { naivelyMatches(pattern.dropFirst(), name.dropFirst($0)) }
    }
    return name.first == first && naivelyMatches(pattern.dropFirst(), name.dropFirst())
}

@Suite struct ChannelPatternTests {
    @Test(arguments: [
        ("a", "a", true), ("a", "b", false), ("a", "aa", false), ("*", "anything", true), ("ticker.*", "ticker.", true),
        ("ticker.*", "ticker.eur.usd", true), ("ticker.*", "ticker", false), ("*.eur", "ticker.eur", true),
        ("a*b*c", "a-b-b-c", true), ("a*b*c", "a-c-b", false), ("é*", "é1", true), ("?", "a", false),
    ])
    func examples(pattern: String, name: String, matches: Bool) throws {
        #expect(try #require(ChannelPattern(pattern)).matches(name) == matches)
    }

    @Test(arguments: 1...20 as ClosedRange<UInt64>)
    func matchesLikeTheDefinition(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        func text(_ letters: String, atMost count: Int) -> String {
            String(
                (0..<Int.random(in: 1...count, using: &random)).compactMap { _ in letters.randomElement(using: &random)
                })
        }
        for _ in 0..<200 {
            let (pattern, name) = (text("ab**", atMost: 7), text("ab", atMost: 9))
            let expected = naivelyMatches(Array(pattern.utf8)[...], Array(name.utf8)[...])
            #expect(try #require(ChannelPattern(pattern)).matches(name) == expected, "\(pattern) \(name)")
        }
    }

    @Test func manyStarsAreNoTrap() throws {
        let pattern = try #require(ChannelPattern(String(repeating: "a*", count: 100)))
        #expect(!pattern.matches(String(repeating: "b", count: 255)))
        #expect(!pattern.matches(String(repeating: "a", count: 99)))
    }

    @Test func whatNoNameCanMatchIsRefused() {
        #expect(ChannelPattern("") == nil)
        #expect(ChannelPattern("a\n") == nil)
        #expect(ChannelPattern(String(repeating: "a", count: 256)) == nil)
    }

    @Test func theFirstRuleThatMatchesDecides() throws {
        let policies = SlowConsumerPolicies(
            .dropNewest,
            rules: [
                SlowConsumerPolicies.Rule(try #require(ChannelPattern("a.b")), .disconnect),
                SlowConsumerPolicies.Rule(try #require(ChannelPattern("a.*")), .conflate),
            ])
        #expect(policies.policy(of: "a.b") == .disconnect)
        #expect(policies.policy(of: "a.c") == .conflate)
        #expect(policies.policy(of: "b") == .dropNewest)
    }

    @Test func aRuleForChannelsComesFirstIfItSetsAPolicy() throws {
        let (exact, wild) = (try #require(ChannelPattern("a.b")), try #require(ChannelPattern("a.*")))
        var policies = SlowConsumerPolicies(rules: [SlowConsumerPolicies.Rule(wild, .conflate)])
        policies.channelRules = [
            SlowConsumerPolicies.Rule(exact, nil), SlowConsumerPolicies.Rule(wild, .dropOldest),
        ]
        #expect(policies.policy(of: "a.b") == .conflate)
        #expect(policies.policy(of: "a.c") == .dropOldest)
        #expect(policies.policy(of: "b") == .disconnect)
    }
}
