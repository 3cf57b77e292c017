public import TestSupport

/// libFuzzer's input and a random generator seeded by it, so that the same input always gives the same run.
public struct FuzzInput {
    /// The input.
    public let bytes: [UInt8]
    /// Chooses limits, split positions and the like.
    public var random: SeededGenerator

    /// Copies the bytes that libFuzzer lends to `LLVMFuzzerTestOneInput`.
    @unsafe
    public init(_ data: UnsafePointer<UInt8>?, _ byteCount: Int) {
        unsafe self.init(Array(UnsafeBufferPointer(start: data, count: byteCount)))
    }

    private init(_ bytes: [UInt8]) {
        self.bytes = bytes
        random = SeededGenerator(seed: FuzzInput.hash(bytes))
    }

    /// The FNV-1a hash.
    private static func hash(_ bytes: [UInt8]) -> UInt64 {
        bytes.reduce(0xCBF2_9CE4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 }
    }
}

extension SeededGenerator {
    /// One of `choices`.
    @inlinable
    public mutating func pick<Choice>(_ choices: Choice...) -> Choice {
        choices[Int.random(in: choices.indices, using: &self)]
    }

    /// The result of `run` for `bytes` in one piece, after checking that it is the same byte by byte and in random
    /// pieces.
    ///
    /// Every piece is a separate allocation, so that the address sanitizer sees a read beyond it.
    @inlinable
    public mutating func sameHoweverCut<Outcome: Equatable>(
        _ bytes: [UInt8], _ run: (_ pieces: [[UInt8]]) -> Outcome
    ) -> Outcome {
        let whole = run([bytes])
        expectEqual(run(bytes.map { [$0] }), whole, "byte by byte")
        let pieces = pieces(of: bytes)
        expectEqual(run(pieces), whole, "in pieces of \(pieces.map(\.count)) bytes")
        return whole
    }

    /// `bytes`, split at up to eight places; a piece may be empty.
    @inlinable
    public mutating func pieces(of bytes: [UInt8]) -> [[UInt8]] {
        let cuts = (0..<Int.random(in: 1...8, using: &self)).map { _ in Int.random(in: 0...bytes.count, using: &self) }
        var start = 0
        return (cuts.sorted() + [bytes.count]).map { end in
            defer { start = end }
            return Array(bytes[start..<end])
        }
    }
}
