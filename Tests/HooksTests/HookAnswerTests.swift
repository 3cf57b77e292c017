import Access
import Channels
import Testing

@testable import Hooks

@Suite struct HookAnswerTests {
    private func read(_ text: String, _ kind: HookKind = .connect) throws -> HookAnswer {
        try HookAnswer(parsing: Array(text.utf8), to: kind)
    }

    @Test func everythingThatAnAnswerCanSay() throws {
        let answer = try read(
            """
            {"allow":true,"user":"42","info":{"name":"Ann"},"channels":["a","b"],
             "grants":{"subscribe":["news","orders.*"],"publish":["chat"]},"cache_s":7.5,"expires_s":600}
            """)
        #expect(answer.isAllowed && answer.user == "42" && answer.channels == ["a", "b"])
        #expect(answer.info == Array(#"{"name":"Ann"}"#.utf8))
        #expect(answer.grants.subscribe.map(\.text) == ["news", "orders.*"])
        #expect(answer.grants.publish.map(\.text) == ["chat"] && answer.grants.history.isEmpty)
        #expect(answer.cacheSeconds == 7 && answer.expirySeconds == 600)
    }

    @Test func nullIsWhatIsNotThere() throws {
        #expect(try read(#"{"allow":true,"user":null,"cache_s":null}"#) == HookAnswer(isAllowed: true))
    }

    @Test func anAnswerIsKeptForAnHourAtMost() throws {
        #expect(try read(#"{"allow":true,"cache_s":1e6}"#).cacheSeconds == 3600)
    }

    /// With `--hook-failure allow`, what is no answer allows.
    @Test(arguments: [
        #"{"allow":false}"#, #"{"allow":false,"reason":7,"user":8,"x":9}"#, #"{"allow":false,"cache_s":-1}"#,
    ])
    func aRefusalIsOneWhateverElseItSays(text: String) throws {
        for kind in HookKind.allCases { #expect(try read(text, kind) == HookAnswer(isAllowed: false)) }
    }

    @Test func aRefusalHasAReason() throws {
        let answer = try read(#"{"allow":false,"reason":"no \"guests\"","cache_s":5}"#)
        #expect(answer.reason == #"no "guests""# && answer.cacheSeconds == 5)
    }

    @Test(arguments: [
        "", "true", "[]", "{}", #"{"allow":"true"}"#, #"{"allow":1}"#, #"{"allow":null}"#, #"{"allow":true"#,
        #"{"allow":true}{}"#, #"{"Allow":true}"#, #"{"allow":true,"user":7}"#, #"{"allow":true,"user":""}"#,
        #"{"allow":true,"user":"a\nb"}"#, #"{"allow":true,"expire_s":5}"#, #"{"allow":true,"cache_s":"5"}"#,
        #"{"allow":true,"cache_s":1e400}"#, #"{"allow":true,"expires_s":"5"}"#, #"{"allow":true,"expires_s":-1}"#,
        #"{"allow":true,"cache_s":-1}"#, #"{"allow":true,"channels":"a"}"#, #"{"allow":true,"channels":[""]}"#,
        #"{"allow":true,"channels":[1]}"#, #"{"allow":true,"grants":[]}"#, #"{"allow":true,"grants":{"sub":["a"]}}"#,
        #"{"allow":true,"grants":{"subscribe":"a"}}"#, #"{"allow":true,"grants":{"subscribe":[""]}}"#,
        #"{"allow":true,"grants":{"subscribe":["a"],"subscribe":["b"]}}"#, #"{"allow":true,"user":"a","user":"b"}"#,
        #"{"allow":false,"allow":true}"#, #"{"allow":true,"reason":"why not"}"#,
    ])
    func everythingElseIsNoAnswer(text: String) {
        #expect(throws: AnswerViolation.self) { try read(text) }
    }

    @Test(arguments: ["user", "info", "channels", "grants", "expires_s"])
    func onlyTheAnswerToAConnectSaysWhoTheClientIs(member: String) throws {
        let text = #"{"allow":true,"\#(member)":1}"#
        for kind in [HookKind.subscribe, .publish] {
            #expect(throws: AnswerViolation.unknown(member: member)) { try read(text, kind) }
        }
        #expect(try read(#"{"allow":true,"cache_s":1}"#, .publish).cacheSeconds == 1)
    }
}

@Suite struct QuestionTests {
    @Test func aQuestionIsJSON() {
        let question = Question(
            .publish, connection: "c1", user: "an\"n", address: "::1", headers: [("cookie", "a=b")],
            .publication(channel: "news", data: Array(#"{"a":1}"#.utf8)))
        #expect(
            String(decoding: question.body, as: UTF8.self)
                == #"{"connection":"c1","question":"publish","user":"an\"n","address":"::1","headers":{"cookie":"a=b"},"#
                + #""channel":"news","data":{"a":1}}"#)
    }

    @Test func theConnectionMakesNoDifference() {
        func question(_ connection: String, _ channels: [String]) -> Question {
            Question(.connect, connection: connection, user: "u", address: nil, headers: [], .channels(channels))
        }
        #expect(question("1", ["a", "b"]).key == question("2", ["a", "b"]).key)
        #expect(question("1", ["a"]).key != question("1", ["b"]).key)
        #expect(String(decoding: question("1", ["a", "b"]).body, as: UTF8.self).hasSuffix(#""channels":["a","b"]}"#))
    }
}

@Suite struct HookSignerTests {
    @Test func theSignatureIsOverTheTimeAndTheBody() {
        // printf '1764446400.[]' | openssl dgst -sha256 -hmac secret
        let header = HookSigner(secret: Array("secret".utf8)).header(for: Array("[]".utf8), at: 1_764_446_400)
        #expect(header.name == "X-Pushd-Signature")
        #expect(header.value == "t=1764446400,v1=4cecbf7f61eb50d632d8dcfe16e76b619c87ed912d90c684b7061265f92dacf3")
    }
}
