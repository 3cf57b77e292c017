import Bytes
import Testing
import WebSocket

private func hex(_ text: String) -> [UInt8] {
    text.split(separator: " ").compactMap { UInt8($0, radix: 16) }
}

private func inflate(_ bytes: [UInt8], _ inflater: Inflater = Inflater(), maxBytes: Int = 1 << 20) -> String? {
    guard let message = try? inflater.inflate(bytes.rawSpan, maxBytes: maxBytes) else { return nil }
    return String(decoding: message, as: UTF8.self)
}

private func violation(_ bytes: [UInt8], maxBytes: Int = 1 << 20) -> ProtocolViolation? {
    do throws(ProtocolViolation) {
        _ = try Inflater().inflate(bytes.rawSpan, maxBytes: maxBytes)
        return nil
    } catch {
        return error
    }
}

@Suite struct InflaterTests {
    /// The examples of RFC 7692 section 7.2.3: one block, no compression, a final block, two blocks, nothing.
    @Test(
        arguments: [
            ("f2 48 cd c9 c9 07 00", "Hello"),
            ("00 05 00 fa ff 48 65 6c 6c 6f 00", "Hello"),
            ("f3 48 cd c9 c9 07 00 00", "Hello"),
            ("f2 48 05 00 00 00 ff ff ca c9 c9 07 00", "Hello"),
            ("00", ""),
        ])
    func examplesOfTheRFC(compressed: String, message: String) {
        #expect(inflate(hex(compressed)) == message)
    }

    /// Section 7.2.3.2: the second Hello refers back to the first.
    @Test func contextIsTakenOverOnlyByAnInflaterThatKeepsIt() {
        let keeping = Inflater(keepsContext: true)
        #expect(inflate(hex("f2 48 cd c9 c9 07 00"), keeping) == "Hello")
        #expect(inflate(hex("f2 00 11 00 00"), keeping) == "Hello")
        let forgetting = Inflater()
        #expect(inflate(hex("f2 48 cd c9 c9 07 00"), forgetting) == "Hello")
        #expect(inflate(hex("f2 00 11 00 00"), forgetting) == nil)
    }

    @Test func aFinalBlockDoesNotEndTheContext() {
        for final in ["f3 48 cd c9 c9 07 00", "f3 48 cd c9 c9 07 00 00"] {
            let keeping = Inflater(keepsContext: true)
            #expect(inflate(hex(final), keeping) == "Hello")
            #expect(inflate(hex("f2 00 11 00 00"), keeping) == "Hello")
        }
    }

    /// zlib compresses an empty message after another to nothing at all.
    @Test func nothingIsAnEmptyMessage() {
        #expect(inflate([]) == "")
    }

    /// Some senders end a message with a final block and without an empty block after it.
    @Test func aMessageMayEndWithAFinalBlock() {
        #expect(inflate(hex("f3 48 cd c9 c9 07 00")) == "Hello")
    }

    @Test(
        arguments: [
            "f2 48 cd c9", "f2 48 cd c9 c9", "00 05 00 fa ff 48 65", "07", "ff ff ff",
            "00 05 00 fa fe 48 65 6c 6c 6f 00",
            "f2 00 11 00 00", "f2 48 cd c9 c9 07 00 05", "04", "f3 48 cd c9 c9 07",
        ])
    func damagedDataIsRefused(compressed: String) {
        #expect(violation(hex(compressed)) == .invalidDeflate)
    }

    @Test func aDamagedMessageHarmsNoOther() {
        let shared = Inflater()
        #expect(inflate(hex("f2 48 cd c9"), shared) == nil)
        #expect(inflate(hex("f2 48 cd c9 c9 07 00"), shared) == "Hello")
    }

    @Test(arguments: [1, 2, 63, 64, 65, 1_000, 65_535, 65_536, 200_000])
    func theLimitIsExact(count: Int) throws {
        let message = [UInt8](repeating: 0x61, count: count)
        let smaller = Deflater(window: .bits12)?.deflate(message.rawSpan)
        let compressed = try #require(smaller ?? plainBlock(message))
        #expect(inflate(compressed, maxBytes: count)?.utf8.count == count)
        #expect(violation(compressed, maxBytes: count - 1) == .messageTooBig)
    }

    /// Ten MiB in some KiB: nothing beyond the limit is decompressed, so nothing large is allocated.
    @Test func aBombStopsAtTheLimit() throws {
        let zeros = [UInt8](repeating: 0, count: 10 << 20)
        let compressed = Deflater(window: .bits12)?.deflate(zeros.rawSpan)
        let bomb = try #require(compressed)
        #expect(bomb.count < 16_384)
        #expect(violation(bomb, maxBytes: 65_536) == .messageTooBig)
        #expect(inflate(bomb, maxBytes: 10 << 20)?.utf8.count == 10 << 20)
    }

    /// A short message in a stored block (RFC 1951 section 3.2.4), because a few bytes cannot be compressed.
    private func plainBlock(_ message: [UInt8]) -> [UInt8]? {
        guard message.count < 256 else { return nil }
        let count = UInt8(message.count)
        return [0, count, 0, ~count, 0xFF] + message + [0]
    }
}
