import WebSocket

/// Decodes DEFLATE bit by bit, as in RFC 1951, with the rules of RFC 7692.
struct NaiveInflater {
    /// How far back a message may refer.
    var windowBytes = 32_768
    private var history: [UInt8] = []
    private var end = 0
    private var input: [UInt8] = []
    private var position = 0

    /// Decompresses a message, which may refer back to earlier ones (RFC 7692 section 7.2.2).
    mutating func inflate(_ compressed: [UInt8], maxBytes: Int) throws(ProtocolViolation) -> [UInt8] {
        guard !compressed.isEmpty else { return [] }
        let start = history.count
        end = start + maxBytes
        input = compressed + [0x00, 0x00, 0xFF, 0xFF]
        position = 0
        repeat {
            let isFinal = try bits(1) == 1
            switch try bits(2) {
            case 0: try copyStored()
            case 1: try inflateBlock(NaiveInflater.fixed)
            case 2: try inflateBlock(try readCodes())
            default: throw .invalidDeflate
            }
            // The bits after a final block, up to the next byte, have no meaning.
            if isFinal { align() }
            if isFinal, position == 8 * compressed.count { break }
        } while position < 8 * input.count
        return Array(history[start...])
    }

    /// Copies a stored block (section 3.2.4).
    private mutating func copyStored() throws(ProtocolViolation) {
        align()
        let count = try bits(16)
        guard try bits(16) == ~count & 0xFFFF else { throw .invalidDeflate }
        for _ in 0..<count { try append(UInt8(try bits(8))) }
    }

    /// Decodes literals and references (section 3.2.5).
    private mutating func inflateBlock(_ codes: (symbols: NaiveCode, distances: NaiveCode)) throws(ProtocolViolation) {
        while true {
            let symbol = try decode(codes.symbols)
            switch symbol {
            case ..<256: try append(UInt8(symbol))
            case 256: return
            case 257..<286:
                let (base, extra) = NaiveInflater.lengths[symbol - 257]
                try copy(base + (try bits(extra)), from: try distance(codes.distances))
            default: throw .invalidDeflate
            }
        }
    }

    private mutating func distance(_ code: NaiveCode) throws(ProtocolViolation) -> Int {
        let symbol = try decode(code)
        guard symbol < 30 else { throw .invalidDeflate }
        let extra = max(0, symbol / 2 - 1)
        let base = symbol < 2 ? symbol : (2 + symbol % 2) << extra
        return base + 1 + (try bits(extra))
    }

    private mutating func copy(_ count: Int, from distance: Int) throws(ProtocolViolation) {
        guard distance <= min(history.count, windowBytes) else { throw .invalidDeflate }
        for _ in 0..<count { try append(history[history.count - distance]) }
    }

    /// Reads the codes of a block with dynamic codes (section 3.2.7).
    private mutating func readCodes() throws(ProtocolViolation) -> (symbols: NaiveCode, distances: NaiveCode) {
        let (symbolCount, distanceCount, lengthCount) = (try bits(5) + 257, try bits(5) + 1, try bits(4) + 4)
        guard symbolCount <= 286, distanceCount <= 30 else { throw .invalidDeflate }
        var lengthLengths = [Int](repeating: 0, count: 19)
        let order = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15]
        for index in order.prefix(lengthCount) { lengthLengths[index] = try bits(3) }
        let lengthCode = NaiveCode(lengthLengths)
        guard lengthCode.isComplete else { throw .invalidDeflate }
        var lengths: [Int] = []
        while lengths.count < symbolCount + distanceCount {
            switch try decode(lengthCode) {
            case 16:
                guard let last = lengths.last else { throw .invalidDeflate }
                lengths += Array(repeating: last, count: 3 + (try bits(2)))
            case 17: lengths += Array(repeating: 0, count: 3 + (try bits(3)))
            case 18: lengths += Array(repeating: 0, count: 11 + (try bits(7)))
            case let length: lengths.append(length)
            }
        }
        guard lengths.count == symbolCount + distanceCount, lengths[256] > 0 else { throw .invalidDeflate }
        let codes = (NaiveCode(lengths[..<symbolCount]), NaiveCode(lengths[symbolCount...]))
        guard codes.0.isUsable, codes.1.isUsable else { throw .invalidDeflate }
        return codes
    }

    private mutating func decode(_ code: NaiveCode) throws(ProtocolViolation) -> Int {
        var bitCount = 0
        var value = 0
        while bitCount < 15 {
            value = value << 1 | (try bits(1))
            bitCount += 1
            if let symbol = code.symbol(value, bitCount) { return symbol }
        }
        throw .invalidDeflate
    }

    /// The next bits of the input, lowest first; input that ends too early is damaged.
    private mutating func bits(_ count: Int) throws(ProtocolViolation) -> Int {
        guard position + count <= 8 * input.count else { throw .invalidDeflate }
        var value = 0
        for index in 0..<count {
            value |= Int(input[(position + index) / 8] >> UInt8((position + index) % 8) & 1) << index
        }
        position += count
        return value
    }

    private mutating func align() {
        position = (position + 7) / 8 * 8
    }

    private mutating func append(_ byte: UInt8) throws(ProtocolViolation) {
        guard history.count < end else { throw .messageTooBig }
        history.append(byte)
    }

    /// The fixed codes (section 3.2.6).
    private static let fixed = (
        NaiveCode((0..<288).map { $0 < 144 ? 8 : $0 < 256 ? 9 : $0 < 280 ? 7 : 8 }),
        NaiveCode([Int](repeating: 5, count: 32))
    )

    /// The lengths of the symbols from 257 on: a base and a number of extra bits.
    private static let lengths: [(base: Int, extra: Int)] =
        (3...10).map { ($0, 0) }
        + (1...5).flatMap { extra in (0..<4).map { ((4 + $0) << extra + 3, extra) } } + [(258, 0)]
}

/// A canonical Huffman code (section 3.2.2).
struct NaiveCode {
    private var symbols: [[Int]] = Array(repeating: [], count: 16)
    private var firstCodes = [Int](repeating: 0, count: 16)
    /// The unused part of the code space, in units of the longest code.
    private var unused = 1 << 15

    init(_ lengths: some Sequence<Int>) {
        for (symbol, length) in lengths.enumerated() where length > 0 { symbols[length].append(symbol) }
        for length in 1..<16 {
            firstCodes[length] = (firstCodes[length - 1] + symbols[length - 1].count) << 1
            unused -= symbols[length].count << (15 - length)
        }
    }

    var isComplete: Bool { unused == 0 }

    /// Whether the code is complete, empty, or a single symbol of one bit.
    var isUsable: Bool { isComplete || symbols.dropFirst(2).allSatisfy(\.isEmpty) && unused >= 0 }

    func symbol(_ code: Int, _ bitCount: Int) -> Int? {
        let index = code - firstCodes[bitCount]
        return symbols[bitCount].indices.contains(index) ? symbols[bitCount][index] : nil
    }
}
