import Bytes
import TestSupport
import Testing
import WebSocket

private func deflate(_ message: [UInt8], _ deflater: Deflater) -> [UInt8]? { deflater.deflate(message.rawSpan) }

@Suite struct DeflaterTests {
    @Test(arguments: DeflateWindow.allCases)
    func whatIsCompressedInflatesToTheSame(window: DeflateWindow) throws {
        let deflater = try #require(Deflater(window: window))
        let inflater = Inflater()
        var random = SeededGenerator(seed: UInt64(window.rawValue))
        var compressed = 0
        for _ in 0..<400 {
            let message = compressible(Int.random(in: 0...20_000, using: &random), &random)
            guard let payload = deflate(message, deflater) else { continue }
            compressed += 1
            #expect(payload.count < message.count)
            #expect(try inflater.inflate(payload.rawSpan, maxBytes: message.count) == message)
        }
        #expect(compressed > 300)
    }

    @Test func eachMessageStandsForItself() throws {
        let deflater = try #require(Deflater(window: .bits12))
        let message = Array(String(repeating: "the same words ", count: 40).utf8)
        let first = try #require(deflate(message, deflater))
        #expect(deflate(message, deflater) == first)
        #expect(try Inflater().inflate(first.rawSpan, maxBytes: 1_000) == message)
    }

    @Test func whatDoesNotGetSmallerIsLeftAlone() throws {
        let deflater = try #require(Deflater(window: .bits12))
        var random = SeededGenerator(seed: 7)
        for count in [0, 1, 2, 3, 10, 1_000, 70_000] {
            #expect(deflate(random.bytes(count), deflater) == nil)
        }
        // A result that was given up must not affect the next one.
        let message = [UInt8](repeating: 0x2E, count: 1_000)
        let payload = try #require(deflate(message, deflater))
        #expect(try Inflater().inflate(payload.rawSpan, maxBytes: 1_000) == message)
    }

    @Test func theTailIsCutOff() throws {
        let deflater = try #require(Deflater(window: .bits9))
        let payload = try #require(deflate([UInt8](repeating: 1, count: 500), deflater))
        #expect(payload.last == 0 && !payload.suffix(4).elementsEqual([0x00, 0x00, 0xFF, 0xFF]))
    }

    /// A client cannot resolve a reference that goes back further than its window.
    @Test(arguments: [(DeflateWindow.bits9, 512), (.bits12, 4_096)])
    func theWindowIsHonoured(window: DeflateWindow, windowBytes: Int) throws {
        let deflater = try #require(Deflater(window: window))
        var random = SeededGenerator(seed: 3)
        let block = random.bytes(200)
        // zlib reserves 262 bytes of the window for itself.
        let near = block + random.bytes(windowBytes / 16) + block
        let far = block + random.bytes(windowBytes + 300) + block
        #expect(deflate(near, deflater) != nil)
        #expect(deflate(far, deflater) == nil)
    }

    /// Runs and repetitions among noise.
    private func compressible(_ count: Int, _ random: inout SeededGenerator) -> [UInt8] {
        var bytes: [UInt8] = []
        while bytes.count < count {
            switch Int.random(in: 0..<4, using: &random) {
            case 0: bytes += random.bytes(Int.random(in: 1...20, using: &random))
            case 1: bytes += [UInt8](repeating: bytes.last ?? 0, count: Int.random(in: 1...300, using: &random))
            default:
                let start = Int.random(in: 0...bytes.count, using: &random)
                bytes += bytes[start...].prefix(200)
                bytes.append(UInt8(truncatingIfNeeded: bytes.count))
            }
        }
        return Array(bytes.prefix(count))
    }
}
