import Bytes
import Testing

@testable import HTTP

private func matches(_ text: [UInt8], _ lowercase: StaticString) -> Bool {
    // After other bytes, because a word may begin at any offset.
    let bytes = [0x41, 0x42, 0x43] + text + [0x44]
    return bytes.rawSpan.matchesIgnoringCase(3..<3 + text.count, lowercase)
}

private func naivelyMatches(_ text: [UInt8], _ lowercase: StaticString) -> Bool {
    let lowered = text.map { UInt8(ascii: "A")...UInt8(ascii: "Z") ~= $0 ? $0 + 32 : $0 }
    return lowered == Array("\(lowercase)".utf8)
}

/// Names are compared eight bytes at a time.
@Suite struct CaseTests {
    private static let names: [StaticString] = [
        "", "h", "host", "upgrade", "x{[`@z~a", "connection", "sec-websocket-key", "sec-websocket-protocol",
        "sec-websocket-extensions",
    ]

    @Test(arguments: names)
    func anyByteInAnyPlace(name: StaticString) {
        let text = Array("\(name)".utf8)
        #expect(matches(text, name))
        #expect(matches(Array("\(name)".uppercased().utf8), name))
        for index in text.indices {
            for byte in UInt8.min...UInt8.max {
                var changed = text
                changed[index] = byte
                #expect(matches(changed, name) == naivelyMatches(changed, name), "\(byte) at \(index)")
            }
        }
    }

    @Test func otherLengths() {
        #expect(!matches(Array("hos".utf8), "host"))
        #expect(!matches(Array("hosts".utf8), "host"))
        #expect(!matches([], "host"))
    }
}
