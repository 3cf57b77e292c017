import Testing

@testable import PushServer

@Suite struct PublishLinesTests {
    private func lines(_ text: String) throws -> [Result<PublishLines.Line, BadRequest>] {
        try PublishLines(parsing: Array(text.utf8)).lines
    }

    @Test func eachLineIsAMessage() throws {
        let lines = try lines(
            #"{"channel":"a","data":{"x": 1}}"# + "\r\n\n" + #"{"channels":["b","c"],"data":"é","key":"k"}"# + "\n")
        #expect(
            try lines.map { try $0.get() } == [
                .init(channels: ["a"], isList: false, payload: Array(#"{"x": 1}"#.utf8), key: nil),
                .init(channels: ["b", "c"], isList: true, payload: Array("\"é\"".utf8), key: "k"),
            ])
    }

    @Test(arguments: [
        "x", "[]", "{}", #"{"channel":"a"}"#, #"{"data":1}"#, #"{"channel":"a","channels":["b"],"data":1}"#,
        #"{"channels":[],"data":1}"#, #"{"channels":"a","data":1}"#, #"{"channel":"","data":1}"#,
        #"{"channel":"a\n","data":1}"#, #"{"channel":"a","data":1,"date":2}"#, #"{"channel":"a","data":1,"key":7}"#,
        #"{"channel":"a","channel":"b","data":1}"#,
    ])
    func aBadLineKeepsNoOtherFromBeingPublished(text: String) throws {
        let lines = try lines(text + "\n" + #"{"channel":"a","data":1}"#)
        #expect(lines.count == 2)
        #expect(throws: BadRequest.self) { try lines[0].get() }
        #expect(try lines[1].get().channels == ["a"])
    }

    @Test func tooManyOrNoneAreRefused() throws {
        let line = #"{"channels":["a","b"],"data":1}"# + "\n"
        #expect(try lines(String(repeating: line, count: 500)).count == 500)
        for text in [String(repeating: line, count: 501), String(repeating: "x\n", count: 1001), "", "\n \n"] {
            #expect(throws: BadRequest.self) { try lines(text) }
        }
    }
}
