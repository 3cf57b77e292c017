import Bytes
import FuzzSupport
import TestSupport

@testable import HTTP

/// HTTP: several requests, and everything that is read from their heads, up to the handshake.
@c(LLVMFuzzerTestOneInput)
public func check(_ data: UnsafePointer<UInt8>?, _ byteCount: Int) -> CInt {
    var input = unsafe FuzzInput(data, byteCount)
    let limits = RequestParser.Limits.random(&input.random)
    let outcome = input.random.sameHoweverCut(input.bytes) { Outcome(of: $0, limits) }
    if let violation = outcome.violation {
        expect(violation.status.rawValue >= 400 && !violation.message.isEmpty, "no answer to \(violation)")
    }
    for request in outcome.requests { checkLimits(request, limits) }
    for head in outcome.heads {
        checkFields(head)
        checkTarget(head)
        checkHandshake(head)
        checkAccess(head)
        checkForwarding(head)
    }
    return 0
}

extension RequestParser.Limits {
    /// The server's limits, or small ones that short inputs reach.
    fileprivate static func random(_ random: inout SeededGenerator) -> RequestParser.Limits {
        guard Bool.random(using: &random) else { return RequestParser.Limits() }
        return RequestParser.Limits(
            requestLineBytes: random.pick(14, 20, 64, 200), headBytes: random.pick(18, 64, 128, 512),
            headerCount: random.pick(0, 1, 2, 8), bodyBytes: random.pick(0, 1, 5, 64))
    }
}

/// Everything that a parser finds in one connection's input.
private struct Outcome: Equatable {
    private(set) var requests: [Seen] = []
    private(set) var heads: [RequestHead] = []
    private(set) var violation: HTTPViolation?
    private(set) var isIdle = true
    /// The head that was reported while its request is not complete.
    private(set) var announced: [UInt8]?

    init(of pieces: [[UInt8]], _ limits: RequestParser.Limits) {
        var parser = RequestParser(limits: limits)
        for piece in pieces where !piece.isEmpty {
            do throws(HTTPViolation) {
                try read(piece, &parser)
                expectEqual(violation, nil, "a parser that had failed reads on")
            } catch {
                expectEqual(error, violation ?? error, "a parser that had failed changes its mind")
                violation = error
            }
        }
        isIdle = parser.isIdle
    }

    private mutating func read(_ piece: [UInt8], _ parser: inout RequestParser) throws(HTTPViolation) {
        var offset = 0
        while let event = try parser.next(piece.rawSpan, from: &offset) {
            switch event {
            // `expectsContinue` depends on how much of the body has arrived; what the client sends does not.
            case .head(let head, _):
                expect(announced == nil, "a head inside of another request")
                announced = head.bytes
            case .request(let request):
                if !request.body.isEmpty { expect(announced != nil, "a body without a head before it") }
                if let announced { expectEqual(announced, request.head.bytes, "another head than was announced") }
                announced = nil
                requests.append(Seen(request))
                heads.append(request.head)
            }
        }
        expectEqual(offset, piece.count, "no event, but input is left")
    }

    static func == (left: Outcome, right: Outcome) -> Bool {
        left.requests == right.requests && left.violation == right.violation && left.isIdle == right.isIdle
            && left.announced == right.announced
    }
}

/// The comparable parts of a request.
private struct Seen: Equatable {
    let head: [UInt8]
    let body: [UInt8]
    let method: RequestHead.Method
    let minorVersion: Int
    /// The positions of the target, its parts, the names and the values in the head.
    let bounds: [Range<Int>?]

    init(_ request: Request) {
        let line = request.head.line
        head = request.head.bytes
        body = request.body
        method = request.head.method
        minorVersion = request.head.minorVersion
        bounds =
            [line.target.bounds, line.path.bounds, line.authority?.bounds, line.query]
            + request.head.fields.flatMap { [$0.name.bounds, $0.value.bounds] }
    }
}

private func checkLimits(_ request: Seen, _ limits: RequestParser.Limits) {
    expect(request.head.count <= limits.headBytes, "a head of \(request.head.count) bytes")
    expect(request.body.count <= limits.bodyBytes, "a body of \(request.body.count) bytes")
    expect(request.bounds.count <= 4 + 2 * Int(limits.headerCount), "too many header fields")
    let lineBytes = request.head.firstIndex(of: UInt8(ascii: "\r")) ?? 0
    expect(lineBytes <= limits.requestLineBytes, "a request line of \(lineBytes) bytes")
}
