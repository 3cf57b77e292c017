import Bytes
import TestSupport
import Testing
import WebSocket

@testable import Bench

private let run = RunID(0x0123_4567_89AB_CDEF)
private let stamp = Stamp(run: run)

private func body(_ time: UInt64, _ byteCount: Int = Stamp.byteCount) -> [UInt8] {
    var bytes: [UInt8] = []
    stamp.appendBody(atNanoseconds: time, byteCount: byteCount, to: &bytes)
    return bytes
}

@Suite struct StampTests {
    @Test func aRunHasAName() {
        #expect(run.description == "23456789abcdef")
        #expect(RunID(1).description == "00000000000001")
        #expect(RunID() != RunID())
    }

    @Test(arguments: [32, 33, 128, 65_536])
    func aMessageHasItsSizeAndItsTime(byteCount: Int) {
        for time: UInt64 in [0, 1, 0xDEAD_BEEF, .max] {
            let message = body(time, byteCount)
            #expect(message.count == byteCount)
            #expect(stamp.time(in: message.rawSpan) == time)
        }
    }

    @Test func aMessageIsTextThatJSONLeavesAsItIs() throws {
        let message = body(.max, 100)
        var quoted: [UInt8] = []
        JSON.appendString(message.rawSpan, to: &quoted)
        #expect(quoted == [UInt8(ascii: "\"")] + message + [UInt8(ascii: "\"")])
        let isJSON = JSON.isValid(message.rawSpan)
        #expect(!isJSON, "or an envelope would hold it as it is")
    }

    @Test func itIsFoundInAnEnvelope() {
        for name in ["bench-\(run)-0", "~", "~\(run)", "~~~~~~~~~~~~~~~~~"] {
            let envelope = Array("{\"channel\":\"\(name)\",\"data\":\"".utf8) + body(77, 50) + Array("\"}".utf8)
            #expect(stamp.time(in: envelope.rawSpan) == 77, "\(name)")
        }
    }

    @Test func itIsFoundAtEveryOffset() {
        for offset in 0...70 {
            let message = Array(repeating: UInt8(ascii: "~"), count: offset) + body(5)
            #expect(stamp.time(in: message.rawSpan) == 5)
        }
    }

    @Test func aMessageOfAnotherRunOrACutOneHasNone() {
        var other: [UInt8] = []
        Stamp(run: RunID(1)).appendBody(atNanoseconds: 5, byteCount: 100, to: &other)
        #expect(stamp.time(in: other.rawSpan) == nil)
        let message = body(5)
        for count in 0..<message.count {
            #expect(stamp.time(in: Array(message[..<count]).rawSpan) == nil)
        }
        for offset in message.indices {
            var damaged = message
            damaged[offset] = UInt8(ascii: "G")
            #expect(stamp.time(in: damaged.rawSpan) == nil, "\(offset)")
        }
    }

    @Test func numbersAreReadAsTheyAreWritten() {
        var random = SeededGenerator(seed: 1)
        for _ in 0..<1000 {
            let number = random.next() >> (random.next() % 64)
            let digits = Array(Hexadecimal.digits(number).utf8)
            #expect(digits.count == 16)
            #expect(Hexadecimal.number(digits.rawSpan, 0) == number)
        }
    }
}
