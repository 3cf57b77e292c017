import Bytes
import HTTP

@testable import Access

/// The head of a request to `/ws` with these fields.
func requestHead(_ fields: (String, String)...) throws -> RequestHead {
    try requestHead("GET /ws HTTP/1.1", fields)
}

/// The head of a request.
func requestHead(_ line: String, _ fields: [(String, String)]) throws -> RequestHead {
    let lines = fields.map { "\($0): \($1)\r\n" }.joined()
    let bytes = Array("\(line)\r\n\(lines)\r\n".utf8)
    var parser = RequestParser()
    var offset = 0
    guard case .request(let request) = try parser.next(bytes.rawSpan, from: &offset) else { throw NoRequest() }
    return request.head
}

struct NoRequest: Error {}
