import Bytes
import Channels
import Testing

@testable import Protocols

private func encoded(_ payload: [UInt8], in channel: String = "c") -> String {
    var text: [UInt8] = []
    PusherEncoder().encode(Message(channel: channel, payload: payload, receivedNanoseconds: 7), into: &text)
    #expect(isJSON(text))
    return string(text)
}

@Suite struct PusherEncoderTests {
    @Test(arguments: [
        (#"{"event":"e","data":"{\"a\":1}"}"#, #"{"event":"e","channel":"c","data":"{\"a\":1}"}"#),
        (#"{"event":"e","data":{"a": 1}}"#, #"{"event":"e","channel":"c","data":"{\"a\": 1}"}"#),
        (#"{"data":null,"event":"e"}"#, #"{"event":"e","channel":"c","data":"null"}"#),
        (#"{"event":"e","channel":"other","data":"x"}"#, #"{"event":"e","channel":"c","data":"x"}"#),
        (
            #"{"socket_id":"1.2","event":"client-a","data":{"a":1},"user_id":"7"}"#,
            #"{"event":"client-a","channel":"c","data":{"a":1},"user_id":"7"}"#
        ),
        (#"{"event":"client-a"}"#, #"{"event":"client-a","channel":"c"}"#),
    ])
    func anEventIsPassedOn(payload: String, text: String) { #expect(encoded(Array(payload.utf8)) == text) }

    @Test(arguments: [
        ("hello", #""\"hello\"""#), ("", #""\"\"""#), ("1", #""1""#), (#"{"a":1}"#, #""{\"a\":1}""#),
        (#"{"event":"e"}"#, #""{\"event\":\"e\"}""#), (#"{"event":7,"data":1}"#, #""{\"event\":7,\"data\":1}""#),
        (#"{"event":"e","data":1,"id":2}"#, #""{\"event\":\"e\",\"data\":1,\"id\":2}""#),
        (#"{"event":"pusher:error","data":1}"#, #""{\"event\":\"pusher:error\",\"data\":1}""#),
        (
            #"{"event":"pusher_internal:member_added","data":1}"#,
            #""{\"event\":\"pusher_internal:member_added\",\"data\":1}""#
        ),
        (#"{"event":"a","event":"b","data":1}"#, #""{\"event\":\"a\",\"event\":\"b\",\"data\":1}""#),
    ])
    func whatIsNoEventIsAMessage(payload: String, data: String) {
        #expect(encoded(Array(payload.utf8)) == #"{"event":"message","channel":"c","data":\#(data)}"#)
    }

    @Test func bytesAreBase64() {
        #expect(encoded([0xFF]) == #"{"event":"message","channel":"c","data":"{\"base64\":\"/w==\"}"}"#)
    }

    @Test func membersAreTold() {
        let member = PresenceMember(id: "9f", user: "7", info: Array(#"{"a":1}"#.utf8), isNamed: true)
        var table = PresenceTable()
        table.watch(ByteName("c"))
        table.enter(ByteName("c"), member)
        table.exit(ByteName("c"), member, at: 0, grace: 0)
        table.removeGone(at: 0)
        let texts = table.takeChanges()[0].changes.map { change in
            var text: [UInt8] = []
            #expect(PusherEncoder().encode(PresenceText.notice(of: change, in: "c"), of: "c", into: &text))
            return string(text)
        }
        #expect(
            texts == [
                #"{"event":"pusher_internal:member_added","channel":"c","#
                    + #""data":"{\"user_id\":\"7\",\"user_info\":{\"a\":1}}"}"#,
                #"{"event":"pusher_internal:member_removed","channel":"c","data":"{\"user_id\":\"7\"}"}"#,
            ])
        var text: [UInt8] = []
        for notice in [DeliveryNotice.missed(count: 1), .gap(seconds: 1), PresenceText.notice(ofCount: 9, in: "c")] {
            #expect(!PusherEncoder().encode(notice, of: "c", into: &text) && text.isEmpty)
        }
    }

    @Test func aPayloadNamesTheConnectionThatDoesNotGetIt() throws {
        let socket = SocketID(node: .max, loop: 7, slot: .max, generation: 9)
        #expect(SocketID(socket.text) == socket && SocketID.isValid(socket.text))
        let payload = PusherEvent.payload("e", data: Array("1".utf8), excluding: socket.text)
        #expect(PusherEvent.excluded(by: payload) == socket)
        for text in ["", "{}", #"{"socket_id":"1.2"#, #"{"socket_id":"x","event":"e"}"#, #"{"event":"e","data":1}"#] {
            #expect(PusherEvent.excluded(by: Array(text.utf8)) == nil)
        }
        for text in ["1", "1.", ".1", "1.2.3", "+1.2", "1.-2", "99999999999999999999.1", "1.1208925819614629174706176"]
        {
            #expect(SocketID(text) == nil)
        }
    }
}
