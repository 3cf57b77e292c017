import Channels
import HTTP
import Testing

@testable import Access

@Suite struct ChannelRulesTests {
    private func pattern(_ text: String) throws -> ChannelPattern { try #require(ChannelPattern(text)) }

    private func rule(
        _ text: String, subscribe: ChannelRight? = nil, publish: ChannelRight? = nil
    ) throws -> ChannelRule {
        var rule = ChannelRule(try pattern(text))
        (rule.subscribe, rule.publish) = (subscribe, publish)
        return rule
    }

    @Test func theFirstMatchDecides() throws {
        let rules = ChannelRules([
            try rule("a.b"), try rule("a.*", subscribe: .nobody), try rule("a.c", subscribe: .anyone),
            try rule("a.b", subscribe: .token),
        ])
        for (channel, text) in [("a.b", "a.b"), ("a.c", "a.*"), ("a.", "a.*"), ("A.b", nil), ("b", nil)] {
            #expect(rules.rule(for: channel)?.pattern.text == text, "\(channel)")
        }
    }

    /// The fast search against a naive one, over random lists of rules.
    @Test func theSearchFindsWhatANaiveOneFinds() throws {
        var generator = SystemRandomNumberGenerator()
        let texts = ["a", "b", "a*", "*b", "*", "a.b", "a.*", "a.b.*", "*.c", "é", "e\u{301}"]
        for _ in 0..<500 {
            let list = try (0..<Int.random(in: 0...6, using: &generator)).map { _ in
                try rule(texts.randomElement(using: &generator)!)
            }
            let rules = ChannelRules(list)
            for channel in texts + ["c", "a.b.c", "ab"] {
                let naive = list.first { $0.pattern.matches(channel) }
                #expect(rules.rule(for: channel) == naive, "\(list) \(channel)")
            }
        }
    }

    @Test func withoutRulesAnyoneMaySubscribeAndNobodyPublish() {
        #expect(ChannelRules().decision(to: .subscribe, "c", by: nil) == .allow)
        #expect(ChannelRules().decision(to: .publish, "c", by: nil) == .deny(.nobodyMay(.publish)))
        let rules = ChannelRules(publishDefault: .subscribers)
        #expect(rules.decision(to: .publish, "c", by: nil, isSubscribed: true) == .allow)
        #expect(rules.decision(to: .publish, "c", by: nil, isSubscribed: false) == .deny(.notSubscribed))
    }

    @Test func aFieldThatTheFirstMatchLeavesOutHasTheDefault() throws {
        let rules = ChannelRules(
            [try rule("a.*", subscribe: .nobody), try rule("*", subscribe: .nobody, publish: .anyone)],
            publishDefault: .subscribers)
        #expect(rules.decision(to: .publish, "a.b", by: nil) == .deny(.notSubscribed), "no later rule is asked")
        #expect(rules.decision(to: .publish, "b", by: nil) == .allow)
    }

    @Test(arguments: [ChannelAction.subscribe, .publish]) func everyRight(action: ChannelAction) throws {
        let granted = Grants(subscribe: [try pattern("c.*")], publish: [try pattern("c.*")])
        let (nobody, stranger) = (nil as Identity?, Identity(user: "u"))
        let friend = Identity(user: "u", grants: granted)
        for (right, outcomes) in [
            (ChannelRight.anyone, [Decision.allow, .allow, .allow]),
            (.token, [.deny(.tokenMissing), .deny(.notGranted), .allow]),
            (.ask, [.ask, .ask, .ask]),
            (.nobody, [.deny(.nobodyMay(action)), .deny(.nobodyMay(action)), .deny(.nobodyMay(action))]),
        ] {
            let rules = ChannelRules([try rule("*", subscribe: right, publish: right)])
            for (identity, outcome) in zip([nobody, stranger, friend], outcomes) {
                #expect(rules.decision(to: action, "c.x", by: identity) == outcome, "\(right)")
            }
        }
    }

    @Test func aWildcardNeedsEveryRuleOfItsChannels() throws {
        func rules(_ list: [(String, ChannelRight?, Bool?)]) throws -> ChannelRules {
            ChannelRules(
                try list.map { text, subscribe, wildcard in
                    var rule = try rule(text, subscribe: subscribe)
                    rule.wildcard = wildcard
                    return rule
                })
        }
        func code(_ rules: ChannelRules, _ name: String, by identity: Identity? = nil) -> String {
            let decision = rules.decision(to: .subscribe, name, by: identity)
            return decision == .allow ? "allow" : decision == .ask ? "ask" : decision.denial?.code ?? ""
        }
        let open = try rules([("a.x", nil, true), ("b", .nobody, nil), ("a.*", nil, true)])
        for (name, expected) in [
            ("a.*", "allow"), ("a.b.*", "allow"), ("a*", "no_wildcard"), ("*", "no_wildcard"), ("b*", "no_wildcard"),
            ("a.*.*", "no_wildcard"), ("a.**", "no_wildcard"), ("a.b", "allow"), ("a.*b", "allow"),
        ] {
            #expect(code(open, name) == expected, "\(name)")
        }
        #expect(code(try rules([("a.x", .nobody, true), ("a.*", nil, true)]), "a.*") == "not_allowed")
        #expect(code(try rules([("a.x", nil, nil), ("a.*", nil, true)]), "a.*") == "no_wildcard")
        #expect(code(try rules([("a.x", .ask, true), ("*", nil, true)]), "a.*") == "ask")
        let asked = try rules([("*", .token, true)])
        #expect(code(asked, "a.*") == "token_required")
        for (grant, expected) in [("a.*", "allow"), ("a.b*", "not_allowed"), ("*", "allow"), ("a.", "not_allowed")] {
            let identity = Identity(user: "u", grants: Grants(subscribe: [try pattern(grant)]))
            #expect(code(asked, "a.*", by: identity) == expected, "\(grant)")
        }
        #expect(code(asked, "a.*", by: Identity(user: "u", channels: ["a.*"])) == "allow")
        let none = ChannelRules(asked.rules, wildcardObstacle: "none here")
        #expect(none.decision(to: .subscribe, "a.*", by: nil) == .deny(.noWildcard("none here")))
    }

    @Test func aWildcardKeepsNothingAndHasNoMembers() throws {
        var rule = try rule("*")
        (rule.history, rule.presence) = (HistoryLimits(maxMessages: 1, maxAgeSeconds: 1), true)
        let rules = ChannelRules([rule])
        #expect(rules.history(of: "a") != nil && rules.presenceGrace(of: "a") != nil)
        #expect(rules.history(of: "a*") == nil && rules.presenceGrace(of: "a*") == nil)
    }

    @Test func aGrantIsForItsActionAndItsChannels() throws {
        let rules = ChannelRules([try rule("*", subscribe: .token, publish: .token)])
        let identity = Identity(
            user: "u", grants: Grants(subscribe: [try pattern("a.*")], publish: [try pattern("b")]), channels: ["c*d"])
        for (action, channel, isAllowed) in [
            (ChannelAction.subscribe, "a.x", true), (.publish, "a.x", false), (.publish, "b", true),
            (.subscribe, "b", false), (.subscribe, "c*d", true), (.subscribe, "cxd", false), (.publish, "c*d", false),
            (.subscribe, "A.x", false), (.subscribe, "a", false), (.subscribe, "xa.x", false),
        ] {
            let decision = rules.decision(to: action, channel, by: identity)
            #expect((decision == .allow) == isAllowed, "\(action) \(channel)")
        }
    }

    @Test func whatCannotBeDecidedIsRefused() {
        #expect(Decision.ask.denial == .undecided && Decision.allow.denial == nil)
        #expect(Decision.deny(.notGranted).denial == .notGranted)
    }

    @Test func aMissingTokenIs401AndOtherDenialsAre403() {
        #expect(Denial(.tokenMissing, of: "c").status == .unauthorized)
        for denial in [ChannelDenial.nobodyMay(.subscribe), .notGranted, .undecided] {
            #expect(Denial(denial, of: "c").status == .forbidden)
            #expect(Denial(denial, of: "c").message == "channel 'c': \(denial.message)")
        }
    }

    @Test func presenceIsWhereARuleSaysSo() throws {
        var rooms = try rule("room.*", subscribe: .token)
        rooms.presence = true
        var quick = rooms
        quick.presenceGraceMilliseconds = 50
        let rules = ChannelRules([try rule("room.none"), rooms])
        let none = ChannelRules([try rule("a")])
        #expect(rules.havePresence && !none.havePresence)
        #expect(rules.presenceGrace(of: "room.1") == 10_000)
        #expect(rules.presenceGrace(of: "room.none") == nil && rules.presenceGrace(of: "other") == nil)
        #expect(ChannelRules([quick]).presenceGrace(of: "room.1") == 50)
        let reader = Identity(user: "u", grants: Grants(presence: [try pattern("room.*")]))
        let other = Identity(user: "u", grants: Grants(subscribe: [try pattern("room.*")]))
        #expect(rules.decision(to: .presence, "room.1", by: reader) == .allow)
        #expect(rules.decision(to: .presence, "room.1", by: other) == .deny(.notGranted))
        #expect(rules.decision(to: .presence, "room.1", by: nil) == .deny(.tokenMissing))
        let asked = ChannelRules([try rule("a", subscribe: .ask)])
        #expect(asked.decision(to: .presence, "a", by: nil, isSubscribed: true) == .allow)
        #expect(asked.decision(to: .presence, "a", by: nil, isSubscribed: false) == .deny(.notSubscribed))
    }
}
