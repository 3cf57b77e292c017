import Bytes
import TestSupport
import Testing

@testable import RedisBridge

@Suite struct ReplyFilterTests {
    /// The pieces that the parser receives.
    private func filter(_ pieces: [[UInt8]], limit: Int) throws(ReplyViolation) -> [[UInt8]] {
        var filter = ReplyFilter(maxStringBytes: limit)
        var passed: [[UInt8]] = []
        for piece in pieces {
            try filter.filter(piece.rawSpan) { (span) throws(ReplyViolation) in
                var bytes: [UInt8] = []
                bytes.append(span)
                passed.append(bytes)
                return true
            }
        }
        return passed
    }

    private func filter(_ text: String, limit: Int) throws(ReplyViolation) -> String {
        String(decoding: try filter([Array(text.utf8)], limit: limit).joined(), as: UTF8.self)
    }

    private func message(_ payload: String) -> String {
        "*3\r\n$7\r\nmessage\r\n$4\r\npush\r\n$\(payload.utf8.count)\r\n\(payload)\r\n"
    }

    @Test func `what is short enough is handed on as it came, in one piece`() throws {
        let others = "+OK\r\n:5\r\n$-1\r\n*0\r\n-ERR no\r\n"
        let stream = message("1234567890") + others + message("") + message("$99\r\n*9")
        #expect(try filter([Array(stream.utf8)], limit: 10) == [Array(stream.utf8)])
    }

    @Test func `nil takes the place of a string that is too long`() throws {
        let long = String(repeating: "x", count: 11)
        let stream = message("a") + message(long) + message("b")
        let expected = message("a") + message("").replacing("$0\r\n\r\n", with: "$-1\r\n") + message("b")
        #expect(try filter(stream, limit: 10) == expected)
    }

    @Test func `it comes out the same however it is cut`() throws {
        let long = String(repeating: "\r\n$5", count: 9)
        let stream = Array((message("abc") + message(long) + ":-12\r\n" + message("")).utf8)
        let whole = Array(try filter([stream], limit: 8).joined())
        for cut in stream.indices {
            let pieces = [Array(stream[..<cut]), Array(stream[cut...])]
            #expect(Array(try filter(pieces, limit: 8).joined()) == whole)
        }
        #expect(Array(try filter(stream.map { [$0] }, limit: 8).joined()) == whole)
    }

    @Test func `a string of any announced length is left out`() throws {
        let head = Array("*3\r\n$7\r\nmessage\r\n$1\r\nc\r\n$90000000000\r\n".utf8)
        let part = [UInt8](repeating: 0, count: 100_000)
        let passed = try filter([head] + Array(repeating: part, count: 100), limit: 65_536)
        #expect(passed.joined().count == head.count - "90000000000".utf8.count + "-1".utf8.count)
    }

    @Test(arguments: [
        "$x\r\n", "$\r\n", "*1x\r\n", "$12345678901234567890123\r\n", "$\(String(repeating: "0", count: 30))\r\n",
        "!3\r\n", "\0\0\n",
    ])
    func `what is no reply is left to the parser`(text: String) throws {
        #expect(try filter(text, limit: 10) == text)
        #expect(try filter(text.utf8.map { [$0] }, limit: 10).joined().elementsEqual(text.utf8))
    }

    @Test func `a line without an end is refused`() {
        let endless = [[UInt8]](repeating: [UInt8](repeating: UInt8(ascii: "+"), count: 10_000), count: 7)
        #expect(throws: ReplyViolation(reason: "a line of 70000 bytes")) { try filter(endless, limit: 10) }
    }

    @Test func `an array of more elements than any reply has is refused`() {
        #expect(throws: ReplyViolation(reason: "an array of 2147483647")) { try filter("*2147483647\r\n", limit: 10) }
    }
}
