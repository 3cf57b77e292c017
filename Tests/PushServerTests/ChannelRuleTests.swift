import Access
import Channels
import PushServer
import Testing

extension ServerTests {
    @Suite struct ChannelRuleTests {
        private static let rules = [
            rule("open.*", .anyone, publish: .anyone), rule("private.*", .token, publish: .token),
            rule("secret", .nobody), rule("asked", .ask, publish: .ask),
        ].compactMap(\.self)

        @Test(arguments: [
            ("private.x", 401, "channel 'private.x': this channel needs a token"),
            ("secret", 403, "channel 'secret': clients may not subscribe to this channel (--channel)"),
            ("asked", 403, "channel 'asked': it cannot be decided now whether this is allowed"),
        ])
        func aChannelOfTheURLIsRefusedBeforeTheUpgrade(channel: String, status: Int, message: String) throws {
            try TestServer.run {
                $0.channelRules = Self.rules
            } _: { server in
                for target in ["/ws?channel=\(channel)", "/ws?channel=open.a&channel=\(channel)"] {
                    let client = try server.connect()
                    try client.send(TestClient.handshake(target))
                    let answer = try client.answer()
                    #expect(answer.status == status && string(answer.body) == #"{"error":"\#(message)"}"#)
                    #expect(answer.head.contains("WWW-Authenticate: Bearer\r\n") == (status == 401))
                    client.close()
                }
                #expect(try server.metrics().value("pushd_subscriptions") == 0)
                let label = #"pushd_handshakes_total{status="\#(status)"}"#
                #expect(try server.metrics().value(label) == 2)
            }
        }

        @Test func aSubscribeIsRefusedChannelByChannel() throws {
            try TestServer.run {
                $0.channelRules = Self.rules
            } _: { server in
                let client = try server.connect()
                try client.upgrade("/ws?channel=a")
                #expect(
                    try client.ask(#"{"action":"subscribe","channels":["b","private.x","secret","asked"],"id":1}"#)
                        == #"{"status":"subscribed","channel":"b","id":1}"#)
                for (channel, code) in [
                    ("private.x", "token_required"), ("secret", "not_allowed"), ("asked", "undecided"),
                ] {
                    let text = try client.frame().text
                    #expect(text.contains(#""code":"\#(code)","channel":"\#(channel)","id":1}"#), "\(text)")
                }
                #expect(try server.metrics().value("pushd_subscriptions") == 2)
            }
        }

        @Test func aRefusedReplaceLeavesNothing() throws {
            try TestServer.run {
                $0.channelRules = Self.rules
            } _: { server in
                let client = try server.connect()
                try client.upgrade("/ws?channel=a&channel=b")
                let refused = try client.ask(#"{"action":"subscribe","channel":"secret","replace":true}"#)
                #expect(refused.contains("not_allowed"))
                #expect(try server.metrics().value("pushd_subscriptions") == 2)
                let text = #"{"action":"subscribe","channels":["secret","c"],"replace":true}"#
                #expect(try client.ask(text).contains("not_allowed") && client.frame().text.contains("subscribed"))
                #expect(try server.metrics().value("pushd_subscriptions") == 1)
            }
        }

        @Test(arguments: [
            ("open.x", "published"), ("private.x", "token_required"), ("asked", "undecided"), ("joined", "not_allowed"),
        ])
        func clientsPublishWhereARuleLetsThem(channel: String, word: String) throws {
            try TestServer.run {
                $0.channelRules = Self.rules
            } _: { server in
                let client = try server.connect()
                try client.upgrade("/ws?channel=joined")
                let reply = try client.ask(#"{"action":"publish","channel":"\#(channel)","data":1}"#)
                #expect(reply.contains(#""\#(word)""#), "\(reply)")
            }
        }

        @Test func aRuleMayTakeARightThatIsTheDefault() throws {
            try TestServer.run {
                $0.allowsClientPublish = true
                $0.channelRules = [rule("read.*", publish: .nobody)].compactMap(\.self)
            } _: { server in
                let client = try server.connect()
                try client.upgrade("/ws?channel=read.x&channel=chat")
                #expect(
                    try client.ask(#"{"action":"publish","channel":"read.x","data":1}"#).contains("not_allowed"))
                #expect(try client.ask(#"{"action":"publish","channel":"other","data":1}"#).contains("not_subscribed"))
                #expect(try client.ask(#"{"action":"publish","channel":"chat","data":1}"#).contains("published"))
            }
        }
    }
}

private func rule(_ text: String, _ subscribe: ChannelRight? = nil, publish: ChannelRight? = nil) -> ChannelRule? {
    ChannelPattern(text).map {
        var rule = ChannelRule($0)
        (rule.subscribe, rule.publish) = (subscribe, publish)
        return rule
    }
}
