import Bytes
import Channels
import Testing

@testable import Protocols

@Suite struct PresenceTextTests {
    private let ann = PresenceMember(id: "1f", user: "an\"n", info: Array(#"{"age":7}"#.utf8), isNamed: true)
    private let other = PresenceMember(id: "2f", user: "anonymous", info: nil, isNamed: false)

    @Test func aList() {
        let list = PresenceList(members: [ann, other], count: 3)
        #expect(
            string(PresenceText.json(of: "c", list, id: Array("7".utf8)))
                == #"{"presence":[{"id":"1f","user":"an\"n","info":{"age":7}},"#
                + #"{"id":"2f","user":"anonymous","info":null}],"count":3,"channel":"c","id":7}"#)
        #expect(
            string(PresenceText.json(of: "c", PresenceList(members: [], count: 0), id: []))
                == #"{"presence":[],"count":0,"channel":"c"}"#)
    }

    @Test func comingAndGoing() {
        var table = PresenceTable()
        table.watch(ByteName("c"))
        table.enter(ByteName("c"), ann)
        table.exit(ByteName("c"), ann, at: 0, grace: 0)
        table.removeGone(at: 0)
        let notices = table.takeChanges()[0].changes.map { PresenceText.notice(of: $0, in: "c") }
        let member = #""channel":"c","id":"1f","user":"an\"n","info":{"age":7}}"#
        #expect(
            notices == [
                .event(name: "join", text: Array((#"{"event":"join","# + member).utf8)),
                .event(name: "leave", text: Array((#"{"event":"leave","# + member).utf8)),
            ])
        let count = PresenceText.notice(ofCount: 9, in: "c")
        #expect(count == .event(name: "presence", text: Array(#"{"event":"presence","channel":"c","count":9}"#.utf8)))
        var text: [UInt8] = []
        #expect(EventStream.payloads.encoder.encode(count, of: "c", into: &text))
        #expect(string(text) == "event: presence\ndata: {\"event\":\"presence\",\"channel\":\"c\",\"count\":9}\n\n")
        text = []
        #expect(EnvelopeEncoder().encode(count, of: "c", into: &text))
        #expect(string(text) == #"{"event":"presence","channel":"c","count":9}"#)
    }
}
