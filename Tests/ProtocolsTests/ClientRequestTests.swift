import Bytes
import Channels
import Testing

@testable import Protocols

@Suite struct ClientRequestTests {
    private func parse(_ text: String) -> ClientRequest {
        ClientRequest(parsing: Array(text.utf8).rawSpan)
    }

    private func expect(
        _ text: String, _ command: ClientCommand, id: String = "", sourceLocation: SourceLocation = #_sourceLocation
    ) {
        let request = parse(text)
        #expect(request.command == .success(command), sourceLocation: sourceLocation)
        #expect(string(request.id) == id, sourceLocation: sourceLocation)
    }

    private func expect(
        _ text: String, fails violation: CommandViolation, id: String = "",
        sourceLocation: SourceLocation = #_sourceLocation
    ) {
        let request = parse(text)
        #expect(request.command == .failure(violation), sourceLocation: sourceLocation)
        #expect(string(request.id) == id, sourceLocation: sourceLocation)
    }

    @Test func everyCommand() {
        expect(#"{"action":"ping"}"#, .ping)
        expect(#"{"action":"subscribe","channel":"c"}"#, .subscribe(["c"], SubscribeOptions()))
        expect(#"{"action":"subscribe","channel":"c","replace":false}"#, .subscribe(["c"], SubscribeOptions()))
        expect(
            #"{"channel":"c","replace":true,"action":"subscribe"}"#,
            .subscribe(["c"], SubscribeOptions(replace: true)))
        expect(#"{"action":"unsubscribe","channel":"c"}"#, .unsubscribe(["c"]))
        expect(#" { "action" : "ping" } "#, .ping)
    }

    @Test func severalChannels() {
        expect(#"{"action":"subscribe","channels":["a"]}"#, .subscribe(["a"], SubscribeOptions()))
        expect(
            #"{"action":"subscribe","channels":["b","a","b"],"replace":true,"id":1}"#,
            .subscribe(["b", "a", "b"], SubscribeOptions(replace: true)), id: "1")
        expect(#"{"action":"unsubscribe","channels":[ "\u00e9" , "b" ]}"#, .unsubscribe(["é", "b"]))
        expect(#"{"action":"subscribe","channel":"a","channels":["b"]}"#, fails: .twoChannelFields)
        expect(#"{"action":"publish","channels":["b"],"data":1}"#, fails: .badChannel)
    }

    @Test(arguments: [
        "[]", #""a""#, "{}", "null", "1", #"["a",1]"#, #"["a",["b"]]"#, #"["a",null]"#, #"[""]"#, #"["a\n"]"#, "[{}]",
    ])
    func aListOfChannelsHasNamesOnly(list: String) {
        for action in ["subscribe", "unsubscribe"] {
            expect(#"{"action":"\#(action)","channels":\#(list),"id":5}"#, fails: .badChannels, id: "5")
        }
    }

    @Test func namesAndActionsMayBeEscaped() {
        expect(#"{"\u0061ction":"p\u0069ng"}"#, .ping)
        expect(#"{"action":"unsubscribe","channel":"\u00e9\"\\"}"#, .unsubscribe(["é\"\\"]))
    }

    @Test(arguments: [#""text""#, "1", "-1.5e3", "null", "true", "[1, 2]", #"{"a": [null]}"#, #""\u00e9\n""#])
    func publishedDataStaysVerbatim(data: String) {
        expect(
            #"{"action":"publish","channel":"c","data": \#(data) ,"id":1}"#,
            .publish(channel: "c", data: Array(data.utf8), key: nil), id: "1")
    }

    @Test func aSubscriptionMayResume() {
        let place = StreamPosition(epoch: "e", offset: 12)
        expect(
            #"{"action":"subscribe","channel":"c","recover":{"epoch":"e","offset":12},"strict":true}"#,
            .subscribe(["c"], SubscribeOptions(history: HistoryRequest(recover: place), isStrict: true)))
        expect(
            #"{"action":"subscribe","channels":["c"],"history":5,"recover":{"offset":12,"epoch":"e","more":1}}"#,
            .subscribe(["c"], SubscribeOptions(history: HistoryRequest(recover: place, last: 5))))
        expect(
            #"{"action":"subscribe","channels":["a","b"],"history":5}"#,
            .subscribe(["a", "b"], SubscribeOptions(history: HistoryRequest(last: 5))))
        expect(
            #"{"action":"subscribe","channels":["a","b"],"recover":{"epoch":"e","offset":12}}"#,
            fails: .recoverOfSeveral)
        expect(#"{"action":"subscribe","channel":"c","strict":true}"#, fails: .strictWithoutRecover)
    }

    @Test(arguments: [
        "{}", "1", #""e:12""#, "null", #"{"epoch":"e"}"#, #"{"offset":1}"#, #"{"epoch":1,"offset":1}"#,
        #"{"epoch":"e","offset":"1"}"#, #"{"epoch":"e","offset":-1}"#, #"{"epoch":"e","offset":1.5}"#,
        #"{"epoch":"e","offset":1e3}"#, #"{"epoch":"e","offset":18446744073709551616}"#,
    ])
    func aPositionHasAnEpochAndAnOffset(place: String) {
        expect(#"{"action":"subscribe","channel":"c","recover":\#(place)}"#, fails: .badRecover)
    }

    @Test func membersCanBeListedAndWatched() {
        expect(#"{"action":"presence","channel":"c","id":1}"#, .presence(channel: "c"), id: "1")
        expect(#"{"action":"presence"}"#, fails: .badChannel)
        expect(
            #"{"action":"subscribe","channel":"c","presence":true}"#,
            .subscribe(["c"], SubscribeOptions(watchesPresence: true)))
        expect(#"{"action":"subscribe","channel":"c","presence":1}"#, fails: .badFlag("presence"))
    }

    @Test func theHistoryCanBeRead() {
        expect(#"{"action":"history","channel":"c"}"#, .history(channel: "c", last: 100))
        expect(#"{"action":"history","channel":"c","limit":7}"#, .history(channel: "c", last: 7))
        for limit in ["-1", "1.5", #""7""#, "null", "100001", "99999999999999999999"] {
            expect(#"{"action":"history","channel":"c","limit":\#(limit)}"#, fails: .badCount("limit"))
            expect(#"{"action":"subscribe","channel":"c","history":\#(limit)}"#, fails: .badCount("history"))
        }
    }

    @Test func aMessageMayHaveAKey() {
        expect(
            #"{"action":"publish","channel":"c","data":1,"key":"k"}"#,
            .publish(channel: "c", data: Array("1".utf8), key: "k"))
        for key in ["1", #""""#, #""\n""#, "null"] {
            expect(#"{"action":"publish","channel":"c","data":1,"key":\#(key)}"#, fails: .badKey)
        }
    }

    @Test func aRefreshHasAToken() {
        expect(#"{"action":"refresh","token":"a.b.c"}"#, .refresh(token: "a.b.c"))
        for token in ["1", "null", "[]"] {
            expect(#"{"action":"refresh","token":\#(token)}"#, fails: .badToken)
        }
        expect(#"{"action":"refresh"}"#, fails: .badToken)
    }

    @Test(arguments: [
        #""a""#, #""""#, #""\"\\\u00e9\/""#, #""é""#, "0", "-12", "1.50", "1e400", "12345678901234567890123",
    ])
    func theIDComesBackVerbatim(id: String) {
        expect(#"{"action":"ping","id":\#(id)}"#, .ping, id: id)
        expect(#"{"id": \#(id) ,"action":"fly"}"#, fails: .unknownAction, id: id)
        expect(#"{"id":\#(id)}"#, fails: .missingAction, id: id)
        expect(#"{"id":\#(id),"action":"subscribe"}"#, fails: .badChannel, id: id)
        expect(#"{"id":\#(id),"action":"publish","channel":"c"}"#, fails: .missingData, id: id)
        expect(#"{"id":\#(id),"action":"subscribe","channel":"c","replace":0}"#, fails: .badFlag("replace"), id: id)
    }

    @Test(arguments: ["null", "true", "false", "[]", "{}", "[1]"])
    func anIDOfAnotherTypeIsRefusedAndNotSentBack(id: String) {
        expect(#"{"action":"ping","id":\#(id)}"#, fails: .badID)
    }

    @Test func theIDHasABound() {
        let longest = "\"" + String(repeating: "x", count: 253) + "\""
        expect(#"{"action":"ping","id":\#(longest)}"#, .ping, id: longest)
        expect(#"{"action":"ping","id":"\#(String(repeating: "x", count: 254))"}"#, fails: .badID)
        let digits = String(repeating: "7", count: 255)
        expect(#"{"action":"ping","id":\#(digits)}"#, .ping, id: digits)
        expect(#"{"action":"ping","id":\#(digits)7}"#, fails: .badID)
    }

    @Test(arguments: ["null", "1", "true", "[]", "{}"])
    func wrongTypes(value: String) {
        expect(#"{"action":\#(value)}"#, fails: .missingAction)
        for action in ["subscribe", "unsubscribe", "publish"] {
            expect(#"{"action":"\#(action)","channel":\#(value),"data":1}"#, fails: .badChannel)
        }
    }

    @Test(arguments: [#""true""#, "1", "null", "[]", "{}"])
    func replaceIsABoolean(value: String) {
        expect(#"{"action":"subscribe","channel":"c","replace":\#(value)}"#, fails: .badFlag("replace"))
    }

    @Test func channelNamesAreChecked() {
        let longest = String(repeating: "n", count: 255)
        expect(#"{"action":"unsubscribe","channel":"\#(longest)"}"#, .unsubscribe([longest]))
        for bad in ["", longest + "n", #"a\nb"#, #"\u0000"#, #"\u007f"#, #"\u0085"#] {
            expect(#"{"action":"subscribe","channel":"\#(bad)","id":5}"#, fails: .badChannel, id: "5")
        }
    }

    @Test(arguments: [
        "", " ", "{", "[]", "1", "null", "\"x\"", #"{"action":"ping""#, #"{"action":"ping"}}"#, #"{'action':'ping'}"#,
        #"{"action":"ping",}"#, #"{"action":"ping" "id":1}"#, "\u{FEFF}{\"action\":\"ping\"}",
    ])
    func badJSON(text: String) {
        let request = parse(text)
        #expect(request.id.isEmpty)
        guard case .failure(.badJSON(let what)) = request.command else {
            Issue.record("\(text) gave \(request.command)")
            return
        }
        #expect(!what.isEmpty)
    }

    @Test func theLastOfEqualNamesWins() {
        expect(#"{"action":"fly","action":"ping","id":1,"id":"b"}"#, .ping, id: #""b""#)
    }

    @Test func everyViolationIsOneUsefulSentence() {
        let violations: [CommandViolation] = [
            .badJSON("x"), .missingAction, .unknownAction, .badChannel, .badChannels, .twoChannelFields,
            .badFlag("strict"), .badCount("limit"), .badRecover, .recoverOfSeveral, .strictWithoutRecover,
            .missingData, .badKey, .badToken, .badID,
        ]
        #expect(Set(violations.map(\.message)).count == violations.count)
        for violation in violations { #expect(!violation.message.isEmpty && !violation.message.contains("\n")) }
    }
}
