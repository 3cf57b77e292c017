import Bytes
import TestSupport
import Testing

@testable import WebSocket

private let keyOctets: [UInt8] = [0x01, 0x2B, 0xFE, 0x80]

private func key(_ octets: [UInt8]) -> MaskingKey {
    MaskingKey(octets: octets.enumerated().reduce(0) { $0 | UInt32($1.element) << (8 * $1.offset) }.littleEndian)
}

@Suite struct MaskingTests {
    @Test func equalsTheByteLoopForAllLengthsAlignmentsAndPhases() {
        var random = SeededGenerator(seed: 1)
        let source = random.bytes(320)
        for length in 0...300 {
            for alignment in 0..<8 {
                for phase in 0..<4 {
                    let payload = source.rawSpan.extracting(alignment..<alignment + length)
                    var bytes: [UInt8] = [7, 8, 9]
                    Masking.append(payload, key: key(keyOctets).rotated(by: phase), to: &bytes)
                    let expected = (0..<length).map { source[alignment + $0] ^ keyOctets[(phase + $0) % 4] }
                    if bytes != [7, 8, 9] + expected { Issue.record("\(length) \(alignment) \(phase)") }
                }
            }
        }
    }

    @Test func aKeyIsRotatedByThePositionInTheFrame() {
        #expect(key([1, 2, 3, 4]).rotated(by: 0) == key([1, 2, 3, 4]))
        #expect(key([1, 2, 3, 4]).rotated(by: 1) == key([2, 3, 4, 1]))
        #expect(key([1, 2, 3, 4]).rotated(by: 2) == key([3, 4, 1, 2]))
        #expect(key([1, 2, 3, 4]).rotated(by: 1_003) == key([4, 1, 2, 3]))
    }

    @Test func nothingAllocatesNothing() {
        let nothing: [UInt8] = []
        var bytes: [UInt8] = []
        Masking.append(nothing.rawSpan, key: key(keyOctets), to: &bytes)
        #expect(bytes.capacity == 0)
    }
}
