import Bytes
import HTTP
import Testing
import WSLoop

/// SplitMix64: the same numbers for the same seed.
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}

struct TestFailure: Error, CustomStringConvertible {
    let description: String
}

/// Far away: it only ends a test that would never end.
struct Patience {
    private let end = Loop.monotonicNanoseconds + 30_000_000_000

    func check(_ what: String) throws {
        if Loop.monotonicNanoseconds > end { throw TestFailure(description: "waited in vain for: \(what)") }
    }
}

/// The text of some bytes.
func string(_ bytes: some Collection<UInt8>) -> String { String(decoding: bytes, as: UTF8.self) }

/// The head of a request that is written as text.
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
