import HTTP
import Testing

struct ResponseTests {
    private let nosniff = "X-Content-Type-Options: nosniff\r\n"

    private func encoded(
        _ response: Response, closing: Bool = false, omittingBody: Bool = false, date: String? = nil
    ) -> String {
        var output: [UInt8] = []
        response.encode(into: &output, closing: closing, omittingBody: omittingBody, date: date.map { Array($0.utf8) })
        return String(decoding: output, as: UTF8.self)
    }

    @Test func `a response with a body`() {
        let response = Response(.ok, contentType: "application/json", body: Array("{}".utf8))
        let head = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\(nosniff)Content-Type: application/json\r\n\r\n"
        #expect(encoded(response) == head + "{}")
        #expect(encoded(response, omittingBody: true) == head)
    }

    @Test func `an empty body has the length 0`() {
        #expect(encoded(Response(.notFound)) == "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\(nosniff)\r\n")
    }

    @Test func `closing, date and more headers`() {
        var response = Response(.methodNotAllowed, contentType: "text/plain", body: Array("no".utf8))
        response.addHeader("Allow", "GET, HEAD")
        response.addHeader("X", "")
        #expect(
            encoded(response, closing: true, date: "Sun, 06 Nov 1994 08:49:37 GMT")
                == "HTTP/1.1 405 Method Not Allowed\r\nContent-Length: 2\r\nConnection: close\r\n"
                + "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n\(nosniff)Content-Type: text/plain\r\nAllow: GET, HEAD\r\nX: \r\n\r\nno"
        )
    }

    @Test(arguments: [(1, "1"), (75, "75"), (86_400, "86400")])
    func `a connection that is kept says for how long`(seconds: Int, text: String) {
        var output: [UInt8] = []
        Response(.ok).encode(into: &output, closing: false, keepAlive: Response.keepAliveLines(seconds: seconds))
        let kept = "Connection: keep-alive\r\nKeep-Alive: timeout=\(text)\r\n"
        #expect(
            String(decoding: output, as: UTF8.self)
                == "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\(kept)\(nosniff)\r\n")
        output = []
        Response(.ok).encode(into: &output, closing: true, keepAlive: Response.keepAliveLines(seconds: seconds))
        #expect(!String(decoding: output, as: UTF8.self).contains("eep-"))
    }

    @Test func `a body that ends with the connection has no length`() {
        var output: [UInt8] = []
        Response(.ok, contentType: "text/event-stream").encode(into: &output, closing: true, isEndless: true)
        #expect(
            String(decoding: output, as: UTF8.self)
                == "HTTP/1.1 200 OK\r\nConnection: close\r\n\(nosniff)Content-Type: text/event-stream\r\n\r\n")
    }

    @Test(arguments: [HTTPStatus.switchingProtocols, .noContent])
    func `no length and no body where content is forbidden`(status: HTTPStatus) {
        var response = Response(status, body: Array("ignored".utf8))
        response.addHeader("Upgrade", "websocket")
        #expect(
            encoded(response) == "HTTP/1.1 \(status.rawValue) \(status.reason)\r\n\(nosniff)Upgrade: websocket\r\n\r\n")
    }

    @Test(arguments: ["a\r\nSet-Cookie: b", "a\nb", "a\rb", "\r\n\r\n<html>", "a\u{0}"])
    func `a value that would split the response is dropped`(value: String) {
        var response = Response(.ok, contentType: value)
        let isAdded = response.addHeader("X", value)
        #expect(!isAdded)
        #expect(encoded(response) == "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\(nosniff)\r\n")
    }

    @Test(arguments: [0, 1, 9, 10, 99, 100, 12_345, 1_048_576])
    func `lengths in decimal`(count: Int) {
        let response = Response(.ok, body: [UInt8](repeating: 0x61, count: count))
        #expect(
            encoded(response, omittingBody: true) == "HTTP/1.1 200 OK\r\nContent-Length: \(count)\r\n\(nosniff)\r\n")
    }

    @Test func `encoding appends`() {
        var output = Array("before".utf8)
        Response(.ok).encode(into: &output, closing: false)
        Response(.ok).encode(into: &output, closing: false)
        let one = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\(nosniff)\r\n"
        #expect(String(decoding: output, as: UTF8.self) == "before" + one + one)
    }

    @Test(arguments: [
        101, 200, 204, 308, 400, 401, 403, 404, 405, 408, 413, 414, 417, 426, 429, 431, 500, 501, 503, 505,
    ])
    func `every status has a reason`(code: Int) throws {
        let status = try #require(HTTPStatus(rawValue: code))
        #expect(encoded(Response(status)).hasPrefix("HTTP/1.1 \(code) \(status.reason)\r\n"))
        #expect(!status.reason.isEmpty)
    }
}
