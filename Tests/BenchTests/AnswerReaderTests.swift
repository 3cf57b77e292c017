import Bytes
import HTTP
import Testing

@testable import Bench

private typealias Answer = AnswerReader.Answer

private func read(_ text: String, atMost size: Int = .max) throws(ResponseViolation) -> [Answer] {
    var reader = AnswerReader()
    var answers: [Answer] = []
    let bytes = Array(text.utf8)
    var start = 0
    while start < bytes.count {
        let end = min(start + min(size, bytes.count), bytes.count)
        let piece = Array(bytes[start..<end])
        var offset = 0
        while let answer = try reader.next(piece.rawSpan, from: &offset) { answers.append(answer) }
        start = end
    }
    return answers
}

private let good = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n{\"a\":"

@Suite struct AnswerReaderTests {
    private let accepted = Answer(failure: nil, endsConnection: false)

    @Test(arguments: [1, 2, 5, 41, 42, 43, .max])
    func answersAreReadInAnyPieces(size: Int) throws {
        let empty = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
        let refused = "HTTP/1.1 401 x\r\nContent-Length: 15\r\nConnection: close\r\n\r\n{\"error\":\"no\"}\n"
        let answers = try read("HTTP/1.1 100 Continue\r\n\r\n" + good + empty + refused, atMost: size)
        let failure = PublishFailure(text: "status 401: \"no\"", isFinal: true)
        #expect(answers == [accepted, accepted, Answer(failure: failure, endsConnection: true)])
    }

    @Test(arguments: [(401, true), (403, true), (413, true), (302, true), (429, false), (500, false), (503, false)])
    func whatWillNotChangeIsFinal(status: Int, isFinal: Bool) throws {
        let answers = try read("HTTP/1.1 \(status) x\r\nContent-Length: 0\r\n\r\n")
        #expect(answers.map(\.failure) == [PublishFailure(text: "status \(status)", isFinal: isFinal)])
    }

    @Test func anErrorsTextIsEscapedAndCut() throws {
        let page = "<p>\n" + String(repeating: "x", count: 5000)
        let answers = try read("HTTP/1.1 502 x\r\nContent-Length: \(page.utf8.count)\r\n\r\n" + page + good)
        let text = try #require(answers.first?.failure?.text)
        #expect(text.hasPrefix("status 502: \"<p>\\nxxx"))
        #expect(text.utf8.count < 600)
        #expect(answers.count == 2)
    }

    @Test(arguments: ["HTTP/1.1 200 OK\r\n\r\nx", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"])
    func anAnswerOfUnknownLengthEndsTheConnection(text: String) throws {
        var reader = AnswerReader()
        var offset = 0
        let bytes = Array(text.utf8)
        #expect(try reader.next(bytes.rawSpan, from: &offset) == Answer(failure: nil, endsConnection: true))
    }

    @Test func anOldVersionEndsTheConnection() throws {
        let answers = try read("HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n")
        #expect(answers == [Answer(failure: nil, endsConnection: true)])
    }

    @Test func whatIsNoAnswerIsRefused() {
        #expect(throws: ResponseViolation.self) { try read("hello\r\n") }
    }
}
