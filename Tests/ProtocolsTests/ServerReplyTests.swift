import Bytes
import Testing

@testable import Protocols

@Suite struct ServerReplyTests {
    @Test func repliesAsTheContractShowsThem() {
        #expect(string(ServerReply.pong(id: [])) == #"{"action":"pong"}"#)
        #expect(
            string(ServerReply.status("subscribed", channel: "c", id: [])) == #"{"status":"subscribed","channel":"c"}"#)
        #expect(
            string(ServerReply.error(.publishFailed("no"), channel: nil, id: []))
                == #"{"error":"no","code":"publish_failed"}"#)
    }

    @Test(arguments: ["7", #""a\"b""#])
    func theIDIsTheLastMember(id: String) {
        let id = Array(id.utf8)
        for reply in [
            ServerReply.pong(id: id), ServerReply.status("published", channel: "c", id: id),
            ServerReply.error(.missingData, id: id),
        ] {
            #expect(string(reply).hasSuffix(#","id":\#(string(id))}"#))
            #expect(isJSON(reply))
        }
    }

    @Test(arguments: ["\"", "\\", "é", "😀", "</script>", String(repeating: "n", count: 255)])
    func everyChannelNameGivesJSONThatNamesIt(channel: String) throws {
        let reply = ServerReply.status("subscribed", channel: channel, id: [])
        let object = try JSONObject(parsing: reply.rawSpan)
        #expect(object["channel"] == .string(channel))
    }

    @Test func everyErrorGivesJSON() throws {
        let request = ClientRequest(parsing: Array("{\"action\":\"\u{1}".utf8).rawSpan)
        guard case .failure(let violation) = request.command else {
            Issue.record("no violation")
            return
        }
        let reply = ServerReply.error(violation)
        #expect(try JSONObject(parsing: reply.rawSpan)["error"] == .string(violation.message))
        #expect(try JSONObject(parsing: reply.rawSpan)["code"] == .string("bad_json"))
    }
}
