import Access
import PushServer
import Testing

@testable import pushd

/// Who may do what: rules, hooks and tokens.
@Suite struct AccessOptionsTests {
    @Test func clientPublishing() throws {
        #expect(try Settings(parsing: ["--allow-client-publish"]).server.allowsClientPublish)
        #expect(try Settings(parsing: [], ["PUSHD_ALLOW_CLIENT_PUBLISH": "1"]).server.allowsClientPublish)
    }

    @Test func channelRulesAreInTheOrderGiven() throws {
        let rules = ["a.*: subscribe=nobody", "*: publish=anyone slow-consumer=conflate"]
        for settings in [
            try Settings(parsing: rules.flatMap { ["--channel", $0] }),
            try Settings(parsing: [], ["PUSHD_CHANNEL": rules.joined(separator: ",")]),
        ] {
            #expect(settings.server.channelRules.map(ChannelRuleSyntax.text) == rules)
        }
    }

    @Test(arguments: [
        ("a: subscribe=token", "--token-secret-file"), ("a: publish=token", "--token-secret-file"),
        ("a: subscribe=ask", "--hook-subscribe"), ("a: publish=ask", "--hook-publish"),
    ])
    func aRuleWhoseQuestionHasNoAnswerIsRefused(rule: String, option: String) throws {
        let problem = try refusal(of: ["--channel", rule])
        #expect(problem.hasPrefix("--channel: '\(rule)' is not possible without ") && problem.contains(option))
        #expect(try refusal(of: [], ["PUSHD_CHANNEL": rule]).hasPrefix("PUSHD_CHANNEL: "))
    }

    @Test func aHookMakesARuleThatNeedsItPossible() throws {
        let url = "http://localhost/hook"
        for (rule, option) in [
            ("a: subscribe=ask", "--hook-subscribe"), ("a: publish=ask", "--hook-publish"),
            ("a: subscribe=token", "--hook-connect"),
        ] {
            #expect(try Settings(parsing: ["--channel", rule, option, url]).server.channelRules.count == 1)
        }
    }

    @Test(arguments: ["app.internal/hook", "ftp://a/", "http://", "http:///x", "http://a b/", "https://ü/", ""])
    func aHookIsAWebURL(text: String) throws {
        let problem = try refusal(of: ["--hook-connect", text])
        #expect(problem == "--hook-connect: '\(text)' is not a URL such as https://app.internal/hook")
        #expect(try !refusal(of: ["--hook-connect", "x://u:secret@a"]).contains("secret"))
    }

    @Test(arguments: ["https://id.example.org/keys", "http://localhost:8/keys", "HTTP://127.1.2.3", "http://[::1]:8/"])
    func keysMayBeFetchedFrom(url: String) throws {
        let server = try Settings(parsing: ["--token-jwks", url, "--token-required"]).server
        #expect(server.tokens?.keySetURL == url && server.tokens?.isRequired == true)
    }

    @Test(arguments: [
        "http://id.example.org/", "http://[::2]/", "http://localhost.example.org/", "http://127.0.0.1\\@a/",
    ])
    func keysMayNotBeFetchedInTheClearFrom(url: String) throws {
        let problem = try refusal(of: ["--token-jwks", url])
        // What is before an @ may be a secret, so it is not shown.
        let shown = url.contains("@") ? "***" : url
        #expect(problem == "--token-jwks: '\(shown)' is not an https:// URL, or an http:// URL of this machine")
    }
}
