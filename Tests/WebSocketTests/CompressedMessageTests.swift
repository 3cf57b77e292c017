import Bytes
import TestSupport
import Testing
import WebSocket

private func deflated(_ message: [UInt8]) -> [UInt8] {
    Deflater(window: .bits12)?.deflate(message.rawSpan) ?? []
}

private let hello: [UInt8] = [0xF2, 0x48, 0xCD, 0xC9, 0xC9, 0x07, 0x00]
/// RSV1, in `clientFrame`'s numbering of the three reserved bits.
private let rsv1: UInt8 = 0b100

@Suite struct CompressedMessageTests {
    @Test func aCompressedMessageIsInflated() {
        let bytes = clientFrame(1, hello, reserved: rsv1) + clientFrame(2, hello, reserved: rsv1) + text("plain")
        expect(bytes, gives: [.text("Hello"), .binary(Array("Hello".utf8)), .text("plain")], compressing: true)
    }

    @Test func itMayBeFragmentedAndInterruptedByControlFrames() {
        let bytes =
            clientFrame(1, Array(hello[..<2]), fin: false, reserved: rsv1) + clientFrame(9, [7])
            + clientFrame(0, [], fin: false) + clientFrame(0, Array(hello[2..<6]), fin: false) + clientFrame(0xA)
            + clientFrame(0, Array(hello[6...]))
        expect(bytes, gives: [.ping([7]), .pong([]), .text("Hello")], compressing: true)
    }

    @Test(arguments: [0b001, 0b010, 0b011, 0b101, 0b110, 0b111] as [UInt8])
    func otherReservedBitsAreRefused(reserved: UInt8) {
        expect(clientFrame(1, hello, reserved: reserved), gives: [], then: .reservedBits, compressing: true)
    }

    @Test func theBitIsForTheFirstFrameOfAMessageOnly() {
        let start = clientFrame(1, hello, fin: false, reserved: rsv1)
        expect(start + clientFrame(0, [], reserved: rsv1), gives: [], then: .reservedBits, compressing: true)
        for opcode in [8, 9, 0xA] as [UInt8] {
            expect(clientFrame(opcode, reserved: rsv1), gives: [], then: .reservedBits, compressing: true)
        }
    }

    @Test func withoutAnAgreementTheBitIsRefused() {
        expect(clientFrame(1, hello, reserved: rsv1), gives: [], then: .reservedBits)
    }

    @Test func inflatedTextMustBeUTF8() {
        let bad = deflated([UInt8](repeating: 0xC3, count: 300))
        expect(clientFrame(1, bad, reserved: rsv1), gives: [], then: .invalidText, compressing: true)
        let cut = deflated([UInt8](repeating: 0x61, count: 300) + [0xE2, 0x82])
        expect(clientFrame(1, cut, reserved: rsv1), gives: [], then: .invalidText, compressing: true)
        let bytes = [UInt8](repeating: 0xC3, count: 300)
        expect(clientFrame(2, bad, reserved: rsv1), gives: [.binary(bytes)], compressing: true)
    }

    @Test func damagedDataIsAViolation() {
        expect(clientFrame(1, [0xFF, 1, 2], reserved: rsv1), gives: [], then: .invalidDeflate, compressing: true)
        #expect(ProtocolViolation.invalidDeflate.closeCode == .invalidPayload)
    }

    /// The limit is for the message; compressed data that cannot stay within it is refused before it is stored.
    @Test func theLimitHoldsAfterInflation() {
        let limits = Limits(maxMessageBytes: 1_000, maxFragments: 10)
        let fits = [UInt8](repeating: 0x61, count: 1_000)
        expect(
            clientFrame(2, deflated(fits), reserved: rsv1), gives: [.binary(fits)], limits: limits, compressing: true)
        let over = clientFrame(2, deflated(fits + [0x61]), reserved: rsv1)
        expect(over, gives: [], then: .messageTooBig, limits: limits, compressing: true)
        let announced = frameHeader(2, limits.maxMessageBytes + limits.maxMessageBytes / 8 + 65, reserved: rsv1)
        expect(announced, gives: [], then: .messageTooBig, limits: limits, compressing: true)
    }

    /// A message that cannot be compressed grows by its block headers, and must not fail because of them.
    @Test func anIncompressibleMessageOfTheLargestSizePasses() {
        var random = SeededGenerator(seed: 11)
        let message = random.bytes(1_000)
        let stored: [UInt8] = [0, 0xE8, 0x03, 0x17, 0xFC] + message + [0]
        let limits = Limits(maxMessageBytes: 1_000, maxFragments: 10)
        expect(
            clientFrame(2, stored, reserved: rsv1), gives: [.binary(message)], limits: limits, compressing: true)
    }

    @Test func aContextBelongsToItsConnection() throws {
        let second: [UInt8] = [0xF2, 0x00, 0x11, 0x00, 0x00]
        let bytes = clientFrame(1, hello, reserved: rsv1) + clientFrame(1, second, reserved: rsv1)
        #expect(
            feed(bytes, inflater: Inflater(keepsContext: true))
                == Outcome(events: [.text("Hello"), .text("Hello")]))
        #expect(
            feed(bytes, inflater: Inflater()) == Outcome(events: [.text("Hello")], violation: .invalidDeflate))
        for (inflater, keeps) in [(Inflater(keepsContext: true), true), (Inflater(), false), (nil, false)] {
            let machine = ConnectionMachine(inflater: inflater)
            let keepsContext = machine.keepsDeflateContext
            #expect(keepsContext == keeps)
        }
    }
}

@Suite struct RoleTests {
    @Test func aClientTakesFramesWithoutMaskOnly() {
        let bytes = clientFrame(1, Array("from the server".utf8), key: nil)
        #expect(feed(bytes, role: .client) == Outcome(events: [.text("from the server")]))
        #expect(feed(text("masked"), role: .client) == Outcome(violation: .maskedFrame))
        #expect(feed(bytes, role: .server) == Outcome(violation: .unmaskedFrame))
    }
}
