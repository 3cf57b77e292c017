import Bytes
import HTTP
import Testing

/// The parts of a result that a user of the parser can see.
enum Outcome: Equatable {
    case request(Seen)
    case violation(HTTPViolation)
    /// The input ended inside a request.
    case incomplete
}

/// The visible parts of a request, comparable.
struct Seen: Equatable {
    var method: RequestHead.Method = .get
    var minorVersion = 1
    var target = "/"
    var host: String? = "h"
    var x: [String] = []
    var body = ""
    var keepsAlive = true

    init(_ request: Request) {
        method = request.head.method
        minorVersion = request.head.minorVersion
        target = request.head.target
        host = request.head.host
        x = request.head.listValues(of: "x")
        body = String(decoding: request.body, as: UTF8.self)
        keepsAlive = request.head.keepsAlive
    }

    init(_ method: RequestHead.Method, _ target: String, host: String? = "h", x: [String] = [], body: String = "") {
        self.method = method
        self.target = target
        self.host = host
        self.x = x
        self.body = body
    }
}

/// Everything the parser returns for `pieces`, fed one after the other, except heads that come before a body.
func outcomes(_ pieces: [ArraySlice<UInt8>], limits: RequestParser.Limits = .init()) -> [Outcome] {
    var parser = RequestParser(limits: limits)
    var outcomes: [Outcome] = []
    for piece in pieces {
        let input = Array(piece)
        var offset = 0
        do throws(HTTPViolation) {
            while let event = try parser.next(input.rawSpan, from: &offset) {
                if case .request(let request) = event { outcomes.append(.request(Seen(request))) }
            }
            if offset != input.count { Issue.record("nil although \(input.count - offset) bytes are left") }
        } catch {
            return outcomes + [.violation(error)]
        }
    }
    return parser.isIdle ? outcomes : outcomes + [.incomplete]
}

/// The outcomes of `text` fed at once, checked against those byte by byte and of every `stride`-th split in two.
func parse(
    _ text: String, limits: RequestParser.Limits = .init(), stride step: Int = 1,
    location: SourceLocation = #_sourceLocation
) -> [Outcome] {
    parse(Array(text.utf8), limits: limits, stride: step, location: location)
}

func parse(
    _ input: [UInt8], limits: RequestParser.Limits = .init(), stride step: Int = 1,
    location: SourceLocation = #_sourceLocation
) -> [Outcome] {
    let whole = outcomes([input[...]], limits: limits)
    let single = outcomes(input.indices.map { input[$0...$0] }, limits: limits)
    if single != whole { Issue.record("byte by byte: \(single), whole: \(whole)", sourceLocation: location) }
    for cut in stride(from: 0, through: input.count, by: step) {
        let halves = outcomes([input[..<cut], input[cut...]], limits: limits)
        if halves != whole { Issue.record("cut at \(cut): \(halves), whole: \(whole)", sourceLocation: location) }
    }
    return whole
}

/// The only request in `text`.
func request(_ text: String) throws -> Request {
    var parser = RequestParser(limits: .init())
    var offset = 0
    let input = Array(text.utf8)
    while let event = try parser.next(input.rawSpan, from: &offset) {
        if case .request(let request) = event { return request }
    }
    throw NoRequest(text: text)
}

struct NoRequest: Error {
    let text: String
}

/// A GET with `Host: h` and these header lines.
func get(_ headerLines: String = "") -> String { "GET / HTTP/1.1\r\nHost: h\r\n\(headerLines)\r\n" }

/// A POST with a chunked body.
func chunked(_ body: String) -> String { "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n\(body)" }
