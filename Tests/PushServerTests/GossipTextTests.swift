import Bytes
import Channels
import Testing

@testable import PushServer

@Suite struct GossipTextTests {
    private let changes = [
        GossipChange(
            channel: ByteName("room \"1\""),
            member: PresenceMember(id: "1f", user: "ann", info: Array("{\n\t\"a\": 1\r\n}".utf8), isNamed: true),
            isArrival: true),
        GossipChange(
            channel: ByteName("é"), member: PresenceMember(id: "2f", user: "anonymous", info: nil, isNamed: false),
            isArrival: false),
    ]

    @Test func isReadAsItIsWritten() {
        let messages: [GossipMessage] = [
            .alive(number: .max), .ask(node: nil), .ask(node: .max), .changes(number: 7, []),
            .all(number: 0, part: 0, parts: 1, []), .changes(number: 7, [changes[1]]),
            .all(number: 8, part: 1, parts: 2, [changes[1], changes[1]]),
            .changes(number: 9, [GossipChange(channel: ByteName("é"), .subscriptions(0)), changes[1]]),
        ]
        for message in messages {
            let text = GossipText(from: 0x2F, message).text
            let read = GossipText(parsing: text)
            #expect(read?.message == message && read?.node == 0x2F)
        }
    }

    @Test func infoKeepsItsMeaningOnOneLine() throws {
        let text = GossipText(from: 1, .changes(number: 1, changes)).text
        #expect(text.count { $0 == UInt8(ascii: "\n") } == 2)
        guard case .changes(1, let read) = try #require(GossipText(parsing: text)).message else {
            Issue.record("other changes")
            return
        }
        #expect(read.map(\.channel) == changes.map(\.channel) && read[1] == changes[1])
        guard case .member(let member, true) = read[0].fact else {
            Issue.record("no member")
            return
        }
        #expect(member.info == Array("{  \"a\": 1  }".utf8))
    }

    @Test(arguments: [
        "", "presence", "presence 1", "presence x alive 1", "presence 1 alive", "presence 1 alive x",
        "presence 1 alive 1 2", "presence 1 all 1 2", "presence 1 changes 1\n{}", "presence 1 other 1",
        #"presence 1 changes 1"# + "\n" + #"{"channel":"","id":"1","user":"u","named":true,"here":true}"#,
        #"presence 1 changes 1"# + "\n" + #"{"channel":"a","subscriptions":-1}"#, #"{"node":"1","do":"revoke"}"#,
    ]) func anythingElseIsNotRead(text: String) {
        #expect(GossipText(parsing: Array(text.utf8)) == nil)
    }
}
