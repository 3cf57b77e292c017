import TestSupport
import WSLoop

struct TestFailure: Error, CustomStringConvertible {
    let description: String
}

/// An HTTP server on the test's own loop, which does with each request what the test says.
final class FakeBackend {
    private let requestLog: RequestLog
    private let server: LoopServer

    /// The requests so far; requests are not pipelined.
    private final class RequestLog { var requests: [String] = [] }

    /// - Parameter react: takes a complete request.
    init(on loop: Loop, _ react: @escaping (String) -> LoopServer.Reaction) throws {
        let log = RequestLog()
        requestLog = log
        server = try LoopServer(on: loop) { input in
            let text = String(decoding: input, as: UTF8.self)
            guard let headEnd = text.firstRange(of: "\r\n\r\n"),
                text[headEnd.upperBound...].utf8.count >= FakeBackend.length(text)
            else { return .wait }
            input = []
            log.requests.append(text)
            return react(text)
        }
    }

    /// A response with a body of JSON.
    static func json(_ body: String, status: String = "200 OK", fields: String = "") -> String {
        "HTTP/1.1 \(status)\r\nContent-Type: application/json\r\n\(fields)Content-Length: \(body.utf8.count)\r\n\r\n\(body)"
    }

    var requests: [String] { requestLog.requests }
    var connections: Int { server.accepted }
    var open: Int { server.open }
    var mostOpen: Int { server.mostOpen }
    var url: String { "http://127.0.0.1:\(server.port)/hook" }

    func close() { server.close() }

    private static func length(_ text: String) -> Int {
        let field = text.split(separator: "\r\n").first { $0.lowercased().hasPrefix("content-length:") }
        return field.flatMap { Int($0.drop { $0 != ":" }.dropFirst(2)) } ?? 0
    }
}
