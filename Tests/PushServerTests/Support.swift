import Bytes
import HTTP
import Testing
import WSLoop

struct TestFailure: Error, CustomStringConvertible {
    let description: String
}

/// Far in the future: it only ends a test that would never end.
struct Patience {
    private let end = Loop.monotonicNanoseconds + 30_000_000_000

    func check(_ what: String) throws {
        if Loop.monotonicNanoseconds > end { throw TestFailure(description: "waited in vain for: \(what)") }
    }
}

/// The text of some bytes.
func string(_ bytes: some Collection<UInt8>) -> String { String(decoding: bytes, as: UTF8.self) }

/// The head of a request given as text.
func requestHead(_ text: String) throws -> RequestHead {
    var parser = RequestParser()
    let bytes = Array(text.utf8)
    var offset = 0
    guard case .request(let request) = try parser.next(bytes.rawSpan, from: &offset) else {
        throw TestFailure(description: "no whole request: \(text)")
    }
    return request.head
}

func requestHead(host: String, _ fields: (String, String)...) throws -> RequestHead {
    let lines = fields.map { "\($0): \($1)\r\n" }.joined()
    return try requestHead("GET /ws HTTP/1.1\r\nHost: \(host)\r\n\(lines)\r\n")
}

func isJSON(_ bytes: [UInt8]) -> Bool { JSON.isValid(bytes.rawSpan) }
