import Bytes
import Testing
import WebSocket

private func frame(_ opcode: Opcode, _ payload: [UInt8]) -> [UInt8] {
    var bytes: [UInt8] = []
    FrameEncoder.appendFrame(opcode, payload.rawSpan, to: &bytes)
    return bytes
}

private func close(_ code: CloseCode, _ reason: String) -> [UInt8] {
    var bytes: [UInt8] = []
    FrameEncoder.appendClose(code, reason: reason, to: &bytes)
    return bytes
}

@Suite struct FrameEncoderTests {
    // RFC 6455 section 5.7.
    @Test func examplesOfTheRFC() {
        let hello: [UInt8] = [0x48, 0x65, 0x6C, 0x6C, 0x6F]
        #expect(frame(.text, hello) == [0x81, 0x05] + hello)
        #expect(frame(.ping, hello) == [0x89, 0x05] + hello)
        let (short, long) = ([UInt8](repeating: 1, count: 256), [UInt8](repeating: 2, count: 65_536))
        #expect(frame(.binary, short) == [0x82, 0x7E, 0x01, 0x00] + short)
        #expect(frame(.binary, long) == [0x82, 0x7F, 0, 0, 0, 0, 0, 1, 0, 0] + long)
        var fragments: [UInt8] = []
        FrameEncoder.appendHeader(.text, fin: false, payloadBytes: 3, to: &fragments)
        #expect(fragments == [0x01, 0x03])
        FrameEncoder.appendHeader(.continuation, payloadBytes: 2, to: &fragments)
        #expect(fragments == [0x01, 0x03, 0x80, 0x02])
    }

    @Test(arguments: [0, 1, 125, 126, 127, 255, 256, 65_535, 65_536, 1 << 24, 1 << 32, Int.max])
    func lengthsAreMinimal(payloadBytes: Int) {
        var bytes: [UInt8] = [0xEE]
        FrameEncoder.appendHeader(.binary, payloadBytes: payloadBytes, to: &bytes)
        #expect(bytes == [0xEE] + frameHeader(0x2, payloadBytes, key: nil))
        #expect(bytes.count - 1 == FrameEncoder.headerByteCount(forPayload: payloadBytes))
    }

    @Test func reservedBitOneIsSetOnDemand() {
        var bytes: [UInt8] = []
        FrameEncoder.appendHeader(.text, rsv1: true, payloadBytes: 7, to: &bytes)
        #expect(bytes == [0xC1, 0x07])
    }

    @Test func framesFormABatch() {
        let (letter, nothing): ([UInt8], [UInt8]) = ([0x61], [])
        var batch: [UInt8] = []
        FrameEncoder.appendFrame(.text, letter.rawSpan, to: &batch)
        FrameEncoder.appendFrame(.pong, nothing.rawSpan, to: &batch)
        FrameEncoder.appendClose(.goingAway, to: &batch)
        #expect(batch == [0x81, 1, 0x61, 0x8A, 0, 0x88, 2, 0x03, 0xE9])
    }

    @Test func closeHasCodeAndReason() {
        #expect(close(.normal, "bye") == [0x88, 5, 0x03, 0xE8, 0x62, 0x79, 0x65])
        #expect(close(.unauthorized, "") == [0x88, 2, 0x11, 0x31])
    }

    @Test func aLongReasonIsCutBetweenCharacters() throws {
        let characters = ["a", "é", "€", "😀"]
        for character in characters {
            for lead in 0..<4 {
                let reason = String(repeating: "x", count: lead) + String(repeating: character, count: 130)
                let bytes = close(.normal, reason)
                let sent = try #require(String(validating: bytes[4...], as: UTF8.self))
                #expect(reason.hasPrefix(sent))
                #expect(Int(bytes[1]) == bytes.count - 2)
                #expect((123 - character.utf8.count + 1...123).contains(sent.utf8.count))
            }
        }
        #expect(close(.normal, String(repeating: "x", count: 123)).count == 127)
        #expect(close(.normal, String(repeating: "x", count: 124)).count == 127)
    }

    @Test func aControlFrameOf125BytesIsTheLargest() async {
        #expect(frame(.ping, [UInt8](repeating: 0, count: 125)).count == 127)
        await #expect(processExitsWith: .failure) {
            _ = frame(.ping, [UInt8](repeating: 0, count: 126))
        }
    }

    @Test func aCloseCodeThatMustNotBeSentTraps() async {
        await #expect(processExitsWith: .failure) {
            _ = close(CloseCode(rawValue: 1006), "")
        }
    }
}
