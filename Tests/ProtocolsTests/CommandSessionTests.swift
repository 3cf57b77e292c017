import Access
import Bytes
import Testing

@testable import Protocols

@Suite struct CommandSessionTests {
    private func step(_ text: String) -> ClientStep {
        CommandSession(hasEvents: true).step(text: Array(text.utf8).rawSpan)
    }

    @Test func aCommandIsToBeRunWithItsID() {
        let command = ClientCommand.subscribe(["a", "b"], SubscribeOptions(replace: true))
        let text = #"{"action":"subscribe","channels":["a","b"],"replace":true,"id":7}"#
        #expect(step(text) == .run(command, id: Array("7".utf8)))
        #expect(step(#"{"action":"ping"}"#) == .run(.ping, id: []))
    }

    @Test func whatIsNoCommandIsAnsweredAtOnce() {
        guard case .reply(let reply) = step(#"{"action":"fly","id":"x"}"#) else {
            Issue.record("a command")
            return
        }
        #expect(string(reply).hasPrefix(#"{"error":"unknown action"#))
        #expect(string(reply).hasSuffix(#","code":"unknown_action","id":"x"}"#))
        let bytes: [UInt8] = [0xFF]
        guard case .reply(let refusal) = CommandSession(hasEvents: true).step(binary: bytes.rawSpan) else {
            Issue.record("a command in bytes")
            return
        }
        #expect(string(refusal).hasPrefix(#"{"error":"binary frames"#))
        #expect(string(refusal).hasSuffix(#","code":"bad_request"}"#))
    }

    @Test(arguments: [
        (CommandOutcome.pong, #"{"action":"pong","id":7}"#),
        (.subscribed(channel: "c"), #"{"status":"subscribed","channel":"c","id":7}"#),
        (.unsubscribed(channel: "c"), #"{"status":"unsubscribed","channel":"c","id":7}"#),
        (.published(channel: "c"), #"{"status":"published","channel":"c","id":7}"#),
        (.refreshed(seconds: 60), #"{"status":"refreshed","expires_s":60,"id":7}"#),
        (.refreshed(seconds: nil), #"{"status":"refreshed","id":7}"#),
        (.refused(.publishFailed("no")), #"{"error":"no","code":"publish_failed","id":7}"#),
    ])
    func everyOutcomeHasItsReply(outcome: CommandOutcome, text: String) throws {
        let reply = try #require(CommandSession(hasEvents: true).reply(to: Array("7".utf8), outcome))
        #expect(string(reply) == text)
    }

    @Test func onlyPushdV1TellsOfEvents() throws {
        let events: [(ConnectionEvent, String)] = [
            (
                .hello(connection: "9f", user: "ü", pingSeconds: 25),
                #"{"event":"hello","connection":"9f","user":"ü","ping_s":25}"#
            ),
            (.expiring(seconds: 30), #"{"event":"expiring","in_s":30}"#),
            (
                .unsubscribed(channel: "c", .notGranted),
                #"{"event":"unsubscribed","channel":"c","reason":"the token does not grant this channel","#
                    + #""code":"not_allowed"}"#
            ),
            (
                .removed(channel: "c", reason: "bye", code: Array("4001".utf8)),
                #"{"event":"unsubscribed","channel":"c","reason":"bye","code":4001}"#
            ),
        ]
        for (event, text) in events {
            #expect(string(try #require(PushdV1().session()?.text(for: event))) == text)
            #expect(try #require(Plain().session()).text(for: event) == nil)
        }
    }

    @Test func aRefusalIsOneUsefulSentence() {
        let refusals: [CommandRefusal] = [
            .tooManyChannels(limit: 7), .tooManyMessages(limit: 7), .denied(.nobodyMay(.publish)),
            .denied(.nobodyMay(.subscribe)), .denied(.tokenMissing), .denied(.notGranted), .denied(.notSubscribed),
            .denied(.undecided), .overBudget, .publishFailed("x"),
            .tokenRefused("z"), .otherUser, .nothingToRefresh,
        ]
        #expect(Set(refusals.map(\.message)).count == refusals.count)
        for refusal in refusals { #expect(!refusal.message.isEmpty && !refusal.message.contains("\n")) }
        for code in refusals.map(\.code) {
            #expect(!code.isEmpty && code.utf8.allSatisfy { UInt8(ascii: "a")...UInt8(ascii: "z") ~= $0 || $0 == 0x5F })
        }
    }
}
