import Bytes
import Testing
import WebSocket

@Suite struct ViolationTests {
    @Test(arguments: 1...7 as ClosedRange<UInt8>)
    func reservedBits(bits: UInt8) {
        expect(text("ok") + clientFrame(0x1, [], reserved: bits), gives: [.text("ok")], then: .reservedBits)
        expect(clientFrame(0x9, [1], reserved: bits), gives: [], then: .reservedBits)
    }

    @Test(arguments: [0x3, 0x4, 0x5, 0x6, 0x7, 0xB, 0xC, 0xD, 0xE, 0xF] as [UInt8])
    func reservedOpcodes(opcode: UInt8) {
        expect(text("ok") + clientFrame(opcode, [1]), gives: [.text("ok")], then: .reservedOpcode(opcode))
    }

    @Test func framesWithoutAMask() {
        for count in [0, 5, 125, 126, 65_536] {
            let bytes = [UInt8](repeating: 0x61, count: count)
            #expect(feed(clientFrame(0x1, bytes, key: nil)) == Outcome(violation: .unmaskedFrame))
        }
        expect(clientFrame(0x8, [0x03, 0xE8], key: nil), gives: [], then: .unmaskedClose)
        expect(text("ok") + clientFrame(0x9, key: nil), gives: [.text("ok")], then: .unmaskedFrame)
    }

    @Test(arguments: [0x8, 0x9, 0xA] as [UInt8])
    func controlFrames(opcode: UInt8) {
        let bytes = [UInt8](repeating: 0x03, count: 126)
        expect(clientFrame(opcode, bytes), gives: [], then: .oversizedControlFrame)
        expect(frameHeader(opcode, 70_000), gives: [], then: .oversizedControlFrame)
        expect(clientFrame(opcode, [0x03, 0xE8], fin: false), gives: [], then: .fragmentedControlFrame)
        // The long forms are never minimal for 125 bytes or less, and never allowed for more.
        expect(clientFrame(opcode, [0x03, 0xE8], form: .bits16), gives: [], then: .oversizedControlFrame)
    }

    @Test func lengthsThatAreNotMinimal() {
        for count in [0, 1, 125] {
            let bytes = [UInt8](repeating: 1, count: count)
            expect(clientFrame(0x2, bytes, form: .bits16), gives: [], then: .nonMinimalLength)
            expect(clientFrame(0x2, bytes, form: .bits64), gives: [], then: .nonMinimalLength)
        }
        expect(frameHeader(0x2, 126, form: .bits64), gives: [], then: .nonMinimalLength)
        expect(frameHeader(0x2, 65_535, form: .bits64), gives: [], then: .nonMinimalLength)
    }

    @Test(arguments: [Int.min, Int.min + 1, -1])
    func lengthsWithTheTopBit(length: Int) {
        expect(frameHeader(0x2, length, form: .bits64), gives: [], then: .lengthTopBitSet)
    }

    @Test func fragmentsOutOfOrder() {
        expect(more("x", fin: true), gives: [], then: .unexpectedContinuation)
        expect(more("x", fin: false), gives: [], then: .unexpectedContinuation)
        expect(text("ok") + more("x", fin: true), gives: [.text("ok")], then: .unexpectedContinuation)
        let done = text("o", fin: false) + more("k", fin: true)
        expect(done + more("x", fin: true), gives: [.text("ok")], then: .unexpectedContinuation)
        expect(text("a", fin: false) + text("b"), gives: [], then: .interleavedMessage)
        expect(text("a", fin: false) + clientFrame(0x2, [], fin: false), gives: [], then: .interleavedMessage)
    }

    @Test func messagesOverTheLimit() {
        let limits = Limits(maxMessageBytes: 10, maxFragments: 100)
        expect(text("0123456789"), gives: [.text("0123456789")], limits: limits)
        expect(text("0123456789a"), gives: [], then: .messageTooBig, limits: limits)
        let fits = text("01234", fin: false) + more("56789", fin: true)
        expect(fits + fits, gives: [.text("0123456789"), .text("0123456789")], limits: limits)
        expect(text("01234", fin: false) + more("56789a", fin: true), gives: [], then: .messageTooBig, limits: limits)
        // Control frames have a limit of their own.
        let ping = [UInt8](repeating: 1, count: 125)
        expect(clientFrame(0x9, ping), gives: [.ping(ping)], limits: limits)
    }

    @Test func aMessageIsRefusedByItsHeader() {
        for announced in [11, 1_000, 70_000, Int.max] {
            let header = frameHeader(0x2, announced)
            expect(header, gives: [], then: .messageTooBig, limits: Limits(maxMessageBytes: 10, maxFragments: 9))
        }
        // The sum of the fragments must not overflow either.
        expect(text("a", fin: false) + frameHeader(0x0, Int.max), gives: [], then: .messageTooBig)
        let unlimited = Limits(maxMessageBytes: Int.max, maxFragments: 9)
        expect(text("a", fin: false) + frameHeader(0x0, Int.max), gives: [], then: .messageTooBig, limits: unlimited)
    }

    @Test func tooManyFragments() {
        let limits = Limits(maxMessageBytes: 100, maxFragments: 3)
        let three = text("a", fin: false) + more("b", fin: false) + more("c", fin: true)
        expect(three + three, gives: [.text("abc"), .text("abc")], limits: limits)
        let empty = more("", fin: false)
        expect(text("a", fin: false) + empty + empty + empty, gives: [], then: .tooManyFragments, limits: limits)
        // Control frames are not fragments.
        let pings = (0..<5).flatMap { _ in clientFrame(0x9) }
        let events = [Event](repeating: .ping([]), count: 5)
        expect(text("a", fin: false) + pings + more("b", fin: true), gives: events + [.text("ab")], limits: limits)
    }

    @Test func textThatIsNotUTF8() {
        expect(clientFrame(0x1, [0xC0, 0xAF]), gives: [], then: .invalidText)
        expect(clientFrame(0x1, [0xED, 0xA0, 0x80]), gives: [], then: .invalidText)
        let start = clientFrame(0x1, [0x61, 0xE2], fin: false) + clientFrame(0x9)
        expect(start + clientFrame(0x0, [0x41], fin: false), gives: [.ping([])], then: .invalidText)
    }

    @Test func badTextIsFoundWithItsByte() {
        // The frame is 7,000 bytes long and incomplete; the bad byte is the 5th.
        let bytes = frameHeader(0x1, 7_000, key: [0, 0, 0, 0]) + [0x61, 0x62, 0x63, 0x64, 0xFF, 0x65, 0x66]
        let outcome = feed(bytes, cuts: Array(0...bytes.count))
        #expect(outcome.violation == .invalidText)
        #expect(outcome.violationOffset == 8 + 5)
        let start = clientFrame(0x1, [0xF0, 0x9F], fin: false)
        let fragments = start + frameHeader(0x0, 900, key: [0, 0, 0, 0]) + [0x20, 0x20]
        #expect(feed(fragments, cuts: Array(0...fragments.count)).violationOffset == fragments.count - 1)
    }

    @Test func textThatEndsInsideACharacter() {
        expect(clientFrame(0x1, [0x61, 0xE2, 0x82]), gives: [], then: .truncatedText)
        let fragments = clientFrame(0x1, [0xF0, 0x9F], fin: false) + clientFrame(0x0, [0x98])
        expect(fragments, gives: [], then: .truncatedText)
        expect(clientFrame(0x1, [0xE2], fin: false) + clientFrame(0x0), gives: [], then: .truncatedText)
    }

    @Test func closePayloads() {
        expect(clientFrame(0x8, [0x03]), gives: [], then: .truncatedCloseCode)
        for code in [0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65_535] as [UInt16] {
            let payload = [UInt8(code >> 8), UInt8(code & 0xFF)]
            expect(clientFrame(0x8, payload), gives: [], then: .invalidCloseCode(code))
        }
        expect(clientFrame(0x8, [0x03, 0xE8, 0xFF]), gives: [], then: .invalidCloseReason)
        expect(clientFrame(0x8, [0x03, 0xE8, 0x61, 0xE2, 0x82]), gives: [], then: .invalidCloseReason)
        let longest = [0x03, 0xE8] + [UInt8](repeating: 0x61, count: 123)
        let frame = CloseFrame(code: .normal, reason: String(repeating: "a", count: 123))
        expect(clientFrame(0x8, longest), gives: [.close(frame)])
    }

    @Test func afterAViolationEverythingIsIgnored() throws {
        var machine = ConnectionMachine()
        var offset = 0
        let bad = clientFrame(0x3)
        #expect(throws: ProtocolViolation.reservedOpcode(3)) {
            _ = try machine.receive(bad.rawSpan, from: &offset, limits: .generous)
        }
        let good = text("late")
        offset = 0
        let event = try machine.receive(good.rawSpan, from: &offset, limits: .generous)
        #expect(event == nil)
        #expect(offset == good.count)
    }

    @Test(
        arguments: [
            (.reservedBits, .protocolError), (.reservedOpcode(3), .protocolError), (.unmaskedFrame, .protocolError),
            (.unmaskedClose, .protocolError),
            (.fragmentedControlFrame, .protocolError), (.oversizedControlFrame, .protocolError),
            (.nonMinimalLength, .protocolError), (.lengthTopBitSet, .protocolError),
            (.unexpectedContinuation, .protocolError), (.interleavedMessage, .protocolError),
            (.messageTooBig, .messageTooBig), (.tooManyFragments, .messageTooBig), (.invalidText, .invalidPayload),
            (.truncatedText, .invalidPayload), (.truncatedCloseCode, .protocolError),
            (.invalidCloseCode(1005), .protocolError), (.invalidCloseReason, .invalidPayload),
        ] as [(ProtocolViolation, CloseCode)])
    func everyViolationCanBeSent(violation: ProtocolViolation, code: CloseCode) {
        #expect(violation.closeCode == code)
        #expect(!violation.reason.isEmpty)
        #expect(violation.reason.utf8.count <= 123)
    }
}

/// A message over the limits does not break the protocol: the closing handshake still takes place (RFC 6455 section
/// 7.1.2).
@Suite struct OversizedMessageTests {
    private let limits = Limits(maxMessageBytes: 100, maxFragments: 3)
    private let close = clientFrame(0x8, [0x03, 0xE8])
    private let closed = Event.close(CloseFrame(code: .normal, reason: ""))

    @Test func onlyTheCloseFrameIsTakenAfterwards() {
        let big = clientFrame(0x2, [UInt8](repeating: 1, count: 70_000))
        let bytes = big + text("later") + clientFrame(0x9, [1]) + clientFrame(0x2, [2], fin: false) + close + text("x")
        expect(bytes, gives: [closed], then: .messageTooBig, limits: limits)
    }

    @Test func fragmentsAreSkippedToo() {
        let start = text("", fin: false) + more("", fin: false) + more("", fin: false)
        let bytes = start + more("too many", fin: false) + clientFrame(0xA) + more("end", fin: true) + close
        expect(bytes, gives: [closed], then: .tooManyFragments, limits: limits)
    }

    @Test func aViolationBehindItEndsEverything() {
        let bytes = clientFrame(0x2, [UInt8](repeating: 1, count: 101)) + clientFrame(0x3) + close
        var machine = ConnectionMachine()
        var offset = 0
        #expect(throws: ProtocolViolation.messageTooBig) {
            try machine.receive(bytes.rawSpan, from: &offset, limits: limits)
        }
        #expect(throws: ProtocolViolation.reservedOpcode(3)) {
            try machine.receive(bytes.rawSpan, from: &offset, limits: limits)
        }
        let last = try? machine.receive(bytes.rawSpan, from: &offset, limits: limits)
        #expect(last == nil && offset == bytes.count)
    }

    @Test func onlyASizeIsForgiven() {
        for violation in [ProtocolViolation.messageTooBig, .tooManyFragments] { #expect(!violation.failsConnection) }
        for violation in [ProtocolViolation.invalidText, .invalidDeflate, .reservedBits, .maskedFrame] {
            #expect(violation.failsConnection)
        }
    }
}
