import Bytes
import TestSupport
import Testing
import WebSocket

private let keyOctets: [UInt8] = [0x37, 0xFA, 0x21, 0x3D]
private let key = UInt32(bigEndian: 0x37FA_213D)

private func masked(_ opcode: Opcode, _ payload: [UInt8], fin: Bool = true, rsv1: Bool = false) -> [UInt8] {
    var bytes: [UInt8] = []
    FrameEncoder.appendMaskedFrame(opcode, fin: fin, rsv1: rsv1, payload.rawSpan, key: key, to: &bytes)
    return bytes
}

private func unmasked(_ opcode: Opcode, _ payload: [UInt8], rsv1: Bool = false) -> [UInt8] {
    var bytes: [UInt8] = []
    FrameEncoder.appendFrame(opcode, rsv1: rsv1, payload.rawSpan, to: &bytes)
    return bytes
}

@Suite struct ClientFramesTests {
    // RFC 6455 section 5.7.
    @Test func examplesOfTheRFC() {
        let hello = Array("Hello".utf8)
        #expect(masked(.text, hello) == [0x81, 0x85, 0x37, 0xFA, 0x21, 0x3D, 0x7F, 0x9F, 0x4D, 0x51, 0x58])
        #expect(masked(.pong, hello) == [0x8A, 0x85, 0x37, 0xFA, 0x21, 0x3D, 0x7F, 0x9F, 0x4D, 0x51, 0x58])
    }

    @Test(arguments: Array(0...300) + [65_534, 65_535, 65_536, 65_537, 1_000_003])
    func equalsTheNaiveEncoder(count: Int) {
        let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ 7) }
        #expect(masked(.binary, bytes) == clientFrame(0x2, bytes, key: keyOctets))
    }

    @Test func allBitsOfTheHeader() {
        for opcode in [Opcode.text, .binary, .continuation] {
            for (fin, rsv1) in [(true, false), (false, false), (true, true), (false, true)] {
                let expected = clientFrame(
                    opcode.rawValue, [1, 2, 3], fin: fin, reserved: rsv1 ? 4 : 0, key: keyOctets)
                #expect(masked(opcode, [1, 2, 3], fin: fin, rsv1: rsv1) == expected)
            }
        }
    }

    @Test func framesFormABatch() {
        var batch: [UInt8] = [0xEE]
        let (letter, nothing): ([UInt8], [UInt8]) = ([0x61], [])
        FrameEncoder.appendMaskedFrame(.text, letter.rawSpan, key: key, to: &batch)
        FrameEncoder.appendMaskedFrame(.ping, nothing.rawSpan, key: key, to: &batch)
        FrameEncoder.appendMaskedClose(.goingAway, reason: "bye", key: key, to: &batch)
        let frames =
            clientFrame(0x1, [0x61], key: keyOctets) + clientFrame(0x9, key: keyOctets)
            + clientFrame(0x8, [0x03, 0xE9] + Array("bye".utf8), key: keyOctets)
        #expect(batch == [0xEE] + frames)
    }

    @Test func aLongReasonIsCut() throws {
        var bytes: [UInt8] = []
        FrameEncoder.appendMaskedClose(
            .unauthorized, reason: String(repeating: "€", count: 130), key: key, to: &bytes)
        let reason = String(repeating: "€", count: 41)
        #expect(feed(bytes) == Outcome(events: [.close(CloseFrame(code: .unauthorized, reason: reason))]))
    }

    @Test(arguments: 1...20 as ClosedRange<UInt64>)
    func fromAClientToAServerAndBack(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        var (toServer, toClient): ([UInt8], [UInt8]) = ([], [])
        var events: [Event] = []
        for _ in 0..<20 {
            let isControl = Bool.random(using: &random)
            let payload = random.bytes(Int.random(in: 0...(isControl ? 125 : 3_000), using: &random))
            let opcode: Opcode = isControl ? [.ping, .pong].randomElement(using: &random) ?? .ping : .binary
            let key = UInt32(truncatingIfNeeded: random.next())
            FrameEncoder.appendMaskedFrame(opcode, payload.rawSpan, key: key, to: &toServer)
            FrameEncoder.appendFrame(opcode, payload.rawSpan, to: &toClient)
            events.append(opcode == .ping ? .ping(payload) : opcode == .pong ? .pong(payload) : .binary(payload))
        }
        #expect(feed(toServer) == Outcome(events: events))
        #expect(feed(toServer, cuts: Array(0...toServer.count)) == Outcome(events: events))
        #expect(feed(toClient, role: .client) == Outcome(events: events))
        #expect(feed(toClient, cuts: Array(0...toClient.count), role: .client) == Outcome(events: events))
        for _ in 0..<20 {
            let cut = Int.random(in: 0...toClient.count, using: &random)
            #expect(feed(toClient, cuts: [cut], role: .client) == Outcome(events: events), "cut at \(cut)")
        }
    }

    @Test func aFragmentedMessageOfAClient() {
        let bytes =
            masked(.text, Array("Hel".utf8), fin: false) + masked(.ping, [1]) + masked(.continuation, Array("lo".utf8))
        expect(bytes, gives: [.ping([1]), .text("Hello")])
    }

    @Test func aServerThatMasksIsRefused() {
        for frame in [
            masked(.text, [0x61]), masked(.text, []), masked(.close, []), clientFrame(0x9, key: [0, 0, 0, 0]),
        ] {
            #expect(feed(frame, role: .client) == Outcome(violation: .maskedFrame))
            #expect(feed(frame, cuts: Array(0...frame.count), role: .client) == Outcome(violation: .maskedFrame))
        }
        let late = unmasked(.text, [0x61]) + masked(.text, [0x62])
        #expect(feed(late, role: .client) == Outcome(events: [.text("a")], violation: .maskedFrame))
        #expect(ProtocolViolation.maskedFrame.closeCode == .protocolError)
    }

    @Test func aServerHasToKeepTheOtherRulesToo() {
        #expect(feed([0xC1, 0], role: .client) == Outcome(violation: .reservedBits))
        #expect(feed([0x83, 0], role: .client) == Outcome(violation: .reservedOpcode(3)))
        #expect(feed([0x80, 0], role: .client) == Outcome(violation: .unexpectedContinuation))
        #expect(feed([0x81, 1, 0xFF], role: .client) == Outcome(violation: .invalidText))
        #expect(feed([0x82, 127, 0, 0, 0, 0, 0x10, 0, 0, 0], role: .client) == Outcome(violation: .messageTooBig))
        #expect(feed([0x88, 2, 0x03, 0xED], role: .client) == Outcome(violation: .invalidCloseCode(1005)))
        let normal = CloseFrame(code: .normal, reason: "")
        #expect(feed([0x88, 2, 0x03, 0xE8, 0x81, 0], role: .client) == Outcome(events: [.close(normal)]))
    }

    @Test func compressedMessagesInBothDirections() throws {
        let deflater = try #require(Deflater(window: .bits12))
        let message = Array(String(repeating: "the same again ", count: 50).utf8)
        let deflated = deflater.deflate(message.rawSpan)
        let compressed = try #require(deflated)
        #expect(compressed.count < message.count / 4)
        let toServer = masked(.text, compressed, rsv1: true) + masked(.text, message)
        expect(toServer, gives: [.text(message), .text(message)], compressing: true)
        let toClient = unmasked(.text, compressed, rsv1: true) + unmasked(.text, message)
        let outcome = feed(toClient, cuts: Array(0...toClient.count), role: .client, inflater: Inflater())
        #expect(outcome == Outcome(events: [.text(message), .text(message)]))
    }

    @Test func keysAreNew() {
        var first = MaskingKeys()
        var second = MaskingKeys()
        // Among 2,000 numbers of 32 bits, two are equal in one of 2,000 runs.
        var keys: [UInt32] = []
        for _ in 0..<1_000 { keys += [first.next(), second.next()] }
        #expect(Set(keys).count > 1_990)
        // Every bit of the keys varies.
        #expect(keys.reduce(0, |) == UInt32.max)
        #expect(keys.reduce(UInt32.max, &) == 0)
    }
}
