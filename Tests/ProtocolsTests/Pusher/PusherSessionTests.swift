import Access
import Bytes
import Channels
import Testing

@testable import Protocols

/// With the key, the secret and the signatures of Pusher's documentation.
@Suite final class PusherSessionTests {
    private static let signature = "58df8b0c36d6982b82c3ecf6b4662e34fe8c25bba48f5369f135bf843651c3a4"
    private static let presenceSignature = "31935e7d86dba64c2a90aed31fdc61869f9b22ba9d8863bba239c03ca481bc80"
    private static let userSignature = "4708d583dada6a56435fb8bc611c77c359a31eebde13337c16ab43aa6de336ba"
    private static let channelData = #"{"user_id":10,"user_info":{"name":"Mr. Channels"}}"#
    private static let key = "278d425bdf160c739803"

    private var session: PusherSession

    init() throws {
        let app = try #require(PusherApp("3:\(PusherSessionTests.key):7ad3773142a6692b25b8"))
        session = PusherSession(app, try #require(SocketID("1234.1234")))
    }

    private func step(_ text: String) -> ClientStep { session.step(text: Array(text.utf8).rawSpan) }

    private func subscribe(_ channel: String, auth: String = "", channelData: String? = nil) -> ClientStep {
        var data = JSONObjectWriter()
        data.member("channel", channel)
        data.member("auth", auth)
        if let channelData { data.member("channel_data", channelData) }
        var text = JSONObjectWriter()
        text.member("event", "pusher:subscribe")
        text.member("data", raw: data.finish())
        return step(string(text.finish()))
    }

    private func reply(_ step: ClientStep) -> String {
        if case .reply(let text) = step { string(text) } else { "\(step)" }
    }

    @Test func pings() throws {
        #expect(step(#"{"event":"pusher:ping","data":""}"#) == .run(.ping, id: []))
        #expect(step(#"{"event":"pusher:ping","data":{}}"#) == .run(.ping, id: []))
        #expect(step(#"{"event":"pusher:pong","data":{}}"#) == .nothing)
        let pong = try #require(session.reply(to: [], .pong))
        #expect(string(pong) == #"{"event":"pusher:pong","data":{}}"#)
    }

    @Test func theDataOfTheFirstFrameIsAString() throws {
        let text = try #require(session.text(for: .hello(connection: "x", user: "y", pingSeconds: 25)))
        #expect(
            string(text) == #"{"event":"pusher:connection_established","#
                + #""data":"{\"socket_id\":\"1234.1234\",\"activity_timeout\":120}"}"#)
    }

    @Test func publicChannelsNeedNoSignature() throws {
        #expect(subscribe("news") == .run(.subscribe(["news"], SubscribeOptions()), id: []))
        #expect(
            step(#"{"event":"pusher:subscribe","data":"{\"channel\":\"news\"}"}"#)
                == .run(.subscribe(["news"], SubscribeOptions()), id: []))
        #expect(
            subscribe("cache-news")
                == .run(.subscribe(["cache-news"], SubscribeOptions(history: HistoryRequest(last: 1))), id: []))
        let text = try #require(session.reply(to: [], .subscribed(channel: "news")))
        #expect(
            string(text) == #"{"event":"pusher_internal:subscription_succeeded","channel":"news","data":"{}"}"#)
    }

    @Test func aPrivateChannelNeedsItsSignature() {
        let auth = "\(PusherSessionTests.key):\(PusherSessionTests.signature)"
        #expect(
            subscribe("private-foobar", auth: auth) == .run(.subscribe(["private-foobar"], SubscribeOptions()), id: []))
        for wrong in [
            "", PusherSessionTests.signature, "other:\(PusherSessionTests.signature)", auth + "0", auth.uppercased(),
            "\(PusherSessionTests.key):", String(auth.dropLast()) + "5",
        ] {
            let text = reply(subscribe("private-foobar", auth: wrong))
            #expect(text.hasPrefix(#"{"event":"pusher:subscription_error","channel":"private-foobar","data":{"type":"#))
            #expect(text.hasSuffix(#""status":401}}"#))
        }
        #expect(reply(subscribe("private-other", auth: auth)).contains("subscription_error"))
        #expect(reply(subscribe("private-encrypted-foobar", auth: auth)).contains("subscription_error"))
    }

    @Test func aMemberIsWhoTheSignedDataSays() throws {
        let auth = "\(PusherSessionTests.key):\(PusherSessionTests.presenceSignature)"
        var options = SubscribeOptions()
        options.member = ChannelMember(user: "10", info: Array(#"{"name":"Mr. Channels"}"#.utf8), limit: 100)
        #expect(
            subscribe("presence-foobar", auth: auth, channelData: PusherSessionTests.channelData)
                == .run(.subscribe(["presence-foobar"], options), id: []))
        let others = [nil, PusherSessionTests.channelData.replacing("10", with: "11"), "{}", ""]
        for other in others {
            #expect(reply(subscribe("presence-foobar", auth: auth, channelData: other)).hasSuffix(#""status":401}}"#))
        }
        let member = PresenceMember(id: "c", user: "10", info: Array("{}".utf8), isNamed: true)
        let list = PresenceList(members: [member], count: 1)
        let text = try #require(session.reply(to: [], .subscribed(channel: "presence-foobar", members: list)))
        #expect(
            string(text) == #"{"event":"pusher_internal:subscription_succeeded","channel":"presence-foobar","#
                + #""data":"{\"presence\":{\"ids\":[\"10\"],\"hash\":{\"10\":{}},\"count\":1}}"}"#)
    }

    @Test func onlyTheUserItselfGetsItsChannel() throws {
        #expect(reply(subscribe("#server-to-user-12345")).contains("signed in"))
        let data = #"{\"id\":\"12345\"}"#
        let signIn = #"{"event":"pusher:signin","data":{"auth":"KEY:SIGNATURE","user_data":"DATA"}}"#
            .replacing("KEY", with: PusherSessionTests.key).replacing("DATA", with: data)
        #expect(
            reply(step(signIn.replacing("SIGNATURE", with: PusherSessionTests.signature))).contains(#""code":4009"#))
        #expect(
            step(signIn.replacing("SIGNATURE", with: PusherSessionTests.userSignature))
                == .run(.signIn(user: "12345", channel: "#online-12345", watching: []), id: []))
        #expect(
            reply(step(signIn.replacing("SIGNATURE", with: PusherSessionTests.userSignature))).contains("another user"))
        let success = try #require(session.reply(to: [], .signedIn(user: "12345")))
        #expect(
            string(success) == #"{"event":"pusher:signin_success","#
                + #""data":"{\"user_data\":\"{\\\"id\\\":\\\"12345\\\"}\"}"}"#)
        let channel = "#server-to-user-12345"
        #expect(subscribe(channel) == .run(.subscribe([channel], SubscribeOptions()), id: []))
        #expect(reply(subscribe("#server-to-user-1")).contains("signed in"))
    }

    @Test func clientEventsKeepTheirData() {
        let text = #"{"event":"client-typing","channel":"private-foobar","data":{"who": "me"}}"#
        let payload = #"{"socket_id":"1234.1234","event":"client-typing","data":{"who": "me"}}"#
        #expect(step(text) == .run(.relay(channel: "private-foobar", data: Array(payload.utf8)), id: []))
        let bare = #"{"event":"client-typing","channel":"private-foobar"}"#
        #expect(
            step(bare)
                == .run(
                    .relay(
                        channel: "private-foobar",
                        data: Array(#"{"socket_id":"1234.1234","event":"client-typing"}"#.utf8)), id: []))
    }

    @Test func aMembersEventsHaveItsUser() {
        _ = subscribe(
            "presence-foobar", auth: "\(PusherSessionTests.key):\(PusherSessionTests.presenceSignature)",
            channelData: PusherSessionTests.channelData)
        let text = #"{"event":"client-a","channel":"presence-foobar","data":1}"#
        let payload = #"{"socket_id":"1234.1234","event":"client-a","data":1,"user_id":"10"}"#
        #expect(step(text) == .run(.relay(channel: "presence-foobar", data: Array(payload.utf8)), id: []))
    }

    @Test(arguments: [
        (#"{"event":"client-a","channel":"news","data":1}"#, "private and presence"),
        (#"{"event":"client-a","channel":"private-encrypted-x","data":1}"#, "not encrypted"),
        (#"{"event":"client-a","data":1}"#, "channel is missing"),
        (#"{"event":"other","channel":"private-x"}"#, "client-"), (#"{"event":"pusher:fly"}"#, "client-"),
        (#"{"event":7}"#, "event is missing"), ("[]", "bad JSON"), ("{", "bad JSON"),
        (#"{"event":"pusher:subscribe"}"#, "data"), (#"{"event":"pusher:subscribe","data":{}}"#, "channel"),
        (#"{"event":"pusher:subscribe","data":"x"}"#, "data"),
        (#"{"event":"pusher:subscribe","data":{"channel":"a b"}}"#, "letters, digits"),
        (#"{"event":"pusher:subscribe","data":{"channel":""}}"#, "letters, digits"),
        (##"{"event":"pusher:subscribe","data":{"channel":"#server"}}"##, "letters, digits"),
    ])
    func whatIsWrongIsAnError(text: String, part: String) {
        let reply = reply(step(text))
        #expect(reply.hasPrefix(#"{"event":"pusher:error","data":{"code":"#) || reply.contains("subscription_error"))
        #expect(reply.contains(part) && isJSON(Array(reply.utf8)), "\(reply)")
    }

    @Test func longNamesAndDataAreRefused() {
        let name = String(repeating: "x", count: 201)
        #expect(reply(subscribe(name)).contains("letters, digits"))
        #expect(reply(step(#"{"event":"client-\#(name)","channel":"private-x"}"#)).contains("200 bytes"))
        let data = String(repeating: "x", count: 10_240)
        #expect(reply(step(#"{"event":"client-a","channel":"private-x","data":"\#(data)"}"#)).contains("10240 bytes"))
    }

    @Test func refusalsSayWhatTheyAreAbout() throws {
        let refused = try #require(session.reply(to: [], .refused(.denied(.notGranted), channel: "a")))
        #expect(string(refused).contains(#""channel":"a","data":{"type":"AuthError""#))
        let limited = try #require(session.reply(to: [], .refused(.tooManyChannels(limit: 1), channel: "a")))
        #expect(string(limited).contains(#"{"type":"LimitReached""#))
        let event = try #require(session.reply(to: [], .refused(.denied(.notSubscribed))))
        #expect(string(event).hasPrefix(#"{"event":"pusher:error","data":{"code":4301,"#))
        for outcome in [CommandOutcome.unsubscribed(channel: "a"), .published(channel: "a")] {
            #expect(session.reply(to: [], outcome) == nil)
        }
    }

    @Test(
        arguments: [
            (1001, 4200), (1012, 4200), (1013, 4100), (4429, 4100), (4401, 4009), (1002, 1002), (4001, 4001),
        ] as [(UInt16, UInt16)])
    func closeCodesAreThoseThatClientsKnow(pushds: UInt16, pushers: UInt16) {
        let farewell = Pusher().farewell(pushds, "why")
        #expect(farewell.code == pushers && (farewell.text == nil) == (pushers < 4000))
        #expect(
            farewell.text.map(string) ?? ""
                == (pushers < 4000 ? "" : #"{"event":"pusher:error","data":{"code":\#(pushers),"message":"why"}}"#))
    }
}
