import Bytes
import TestSupport
import Testing

/// Validates the text at once, byte by byte, and split in two everywhere; nil if the results differ.
private func verdict(_ bytes: [UInt8]) -> Bool? {
    let whole = UTF8Validator.isValid(bytes.rawSpan)
    for split in 0...bytes.count {
        var validator = UTF8Validator()
        let first = validator.consume(bytes.rawSpan.extracting(..<split))
        let second = validator.consume(bytes.rawSpan.extracting(split...))
        // A text that was refused stays refused.
        if second, !first { return nil }
        if (second && validator.isAtBoundary) != whole { return nil }
    }
    var validator = UTF8Validator()
    var accepted = true
    for index in bytes.indices {
        accepted = validator.consume(bytes.rawSpan.extracting(index...index))
    }
    return (accepted && validator.isAtBoundary) == whole ? whole : nil
}

private func isValid(_ bytes: [UInt8]) -> Bool {
    UTF8Validator.isValid(bytes.rawSpan)
}

private func consume(_ bytes: [UInt8], _ validator: inout UTF8Validator) -> Bool {
    validator.consume(bytes.rawSpan)
}

private func isValidForSwift(_ bytes: [UInt8]) -> Bool {
    String(validating: bytes, as: UTF8.self) != nil
}

@Suite struct UTF8ValidatorTests {
    @Test func everySequenceOfOneAndTwoBytes() {
        for first in UInt8.min...UInt8.max {
            #expect(verdict([first]) == isValidForSwift([first]))
            for second in UInt8.min...UInt8.max where verdict([first, second]) != isValidForSwift([first, second]) {
                Issue.record("\(first) \(second)")
            }
        }
    }

    @Test func everySequenceOfThreeBytes() {
        // After an ASCII byte come the sequences of two bytes, which have their own test. This one uses one buffer for
        // all 8.4 million, and the definition instead of String.
        var bytes: [UInt8] = [0, 0, 0]
        var disagreements = 0
        for code in (0x80 << 16)..<(1 << 24) {
            bytes[0] = UInt8(code >> 16)
            bytes[1] = UInt8(code >> 8 & 0xFF)
            bytes[2] = UInt8(code & 0xFF)
            let valid = UTF8Validator.isValid(bytes.rawSpan)
            if valid != isValidByTable(bytes[0], bytes[1], bytes[2]) { disagreements += 1 }
        }
        #expect(disagreements == 0)
    }

    @Test func everyLeadByteAndTheEdgesOfContinuationsInFourBytes() {
        let edges: [UInt8] = [0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC0, 0xED, 0xF4]
        for first in 0xC0...UInt8.max {
            for second in edges {
                for third in edges {
                    for fourth in edges {
                        let bytes = [first, second, third, fourth]
                        if UTF8Validator.isValid(bytes.rawSpan) != isValidForSwift(bytes) { Issue.record("\(bytes)") }
                    }
                }
            }
        }
    }

    @Test func everyScalarIsValid() {
        var text = String.UnicodeScalarView()
        for value in UInt32(0)...0x10FFFF {
            if let scalar = Unicode.Scalar(value) { text.append(scalar) }
        }
        #expect(isValid(Array(String(text).utf8)))
    }

    @Test func randomTextWithRandomDamage() {
        var random = SeededGenerator(seed: 0xF8)
        let pieces = ["a", "plain ascii of some length", "é", "ж", "€", "\u{FFFD}", "😀", "\u{10FFFF}", "\0"]
        for _ in 0..<3_000 {
            var bytes: [UInt8] = []
            for _ in 0..<Int.random(in: 0...8, using: &random) {
                bytes += pieces.randomElement(using: &random).map { Array($0.utf8) } ?? []
            }
            #expect(verdict(bytes) == true)
            guard !bytes.isEmpty else { continue }
            for _ in 0...Int.random(in: 0..<2, using: &random) {
                bytes[Int.random(in: bytes.indices, using: &random)] = UInt8.random(in: 0...255, using: &random)
            }
            #expect(verdict(bytes) == isValidForSwift(bytes), "\(bytes)")
        }
    }

    @Test func oneBadByteAtEveryPlaceOfEveryLengthAndAlignment() {
        for length in 1...40 {
            for position in 0..<length {
                for alignment in 0..<8 {
                    var bytes = [UInt8](repeating: 0x61, count: alignment + length)
                    let before = UTF8Validator.isValid(bytes.rawSpan.extracting(alignment...))
                    bytes[alignment + position] = 0x80
                    let after = UTF8Validator.isValid(bytes.rawSpan.extracting(alignment...))
                    if !before || after { Issue.record("length \(length), byte \(position), alignment \(alignment)") }
                }
            }
        }
    }

    @Test(
        arguments: [
            [0x80], [0xC0], [0xC1], [0xE0, 0x9F], [0xED, 0xA0], [0xF0, 0x8F], [0xF4, 0x90], [0xF5], [0xFF],
            [0xE2, 0x82, 0x41], [0xF0, 0x9F, 0x98, 0xC0],
        ] as [[UInt8]])
    func refusesTheFirstImpossibleByteAndNoneBefore(bytes: [UInt8]) {
        var validator = UTF8Validator()
        #expect(consume(Array(bytes.dropLast()), &validator))
        #expect(!consume(Array(bytes.suffix(1)), &validator))
        #expect(!consume([0x41], &validator))
        #expect(!validator.isAtBoundary)
    }

    @Test func unfinishedIsAcceptedButNotABoundary() {
        var validator = UTF8Validator()
        #expect(validator.isAtBoundary)
        #expect(consume([0x61, 0xF0, 0x9F, 0x98], &validator))
        #expect(!validator.isAtBoundary)
        #expect(consume([0x80], &validator))
        #expect(validator.isAtBoundary)
    }

    @Test func stateFitsInAWord() {
        #expect(MemoryLayout<UTF8Validator>.size <= 8)
    }
}

/// Table 3-7 of the Unicode standard for texts of exactly three bytes.
private func isValidByTable(_ first: UInt8, _ second: UInt8, _ third: UInt8) -> Bool {
    func isContinuation(_ byte: UInt8) -> Bool { byte & 0xC0 == 0x80 }
    func isPair(_ lead: UInt8, _ byte: UInt8) -> Bool { (0xC2...0xDF).contains(lead) && isContinuation(byte) }
    if first < 0x80 { return (second < 0x80 && third < 0x80) || isPair(second, third) }
    if isPair(first, second) { return third < 0x80 }
    guard first & 0xF0 == 0xE0, isContinuation(second), isContinuation(third) else { return false }
    let value = UInt32(first & 0x0F) << 12 | UInt32(second & 0x3F) << 6 | UInt32(third & 0x3F)
    return value >= 0x800 && !(0xD800...0xDFFF).contains(value)
}
