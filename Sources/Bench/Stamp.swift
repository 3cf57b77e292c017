internal import Bytes

/// The beginning of a run's messages: `~`, the run, `~`, and the time at which the message was due.
///
/// JSON leaves this text unchanged, so it is found inside an envelope as well.
struct Stamp {
    /// The length of a stamp.
    static let byteCount = 32
    private static let markByteCount = 16

    private let mark: [UInt8]
    private let words: (UInt64, UInt64)

    init(run: RunID) {
        let mark = Array("~\(run)~".utf8)
        self.mark = mark
        words = (Stamp.word(mark.rawSpan, 0), Stamp.word(mark.rawSpan, 8))
    }

    /// Appends a message's body: a stamp, padded to the message size.
    func appendBody(atNanoseconds time: UInt64, byteCount: Int, to bytes: inout [UInt8]) {
        bytes.append(contentsOf: mark)
        bytes.append(contentsOf: Hexadecimal.digits(time).utf8)
        bytes.append(contentsOf: repeatElement(UInt8(ascii: "."), count: max(byteCount - Stamp.byteCount, 0)))
    }

    /// The time in a message of this run; nil for other messages.
    func time(in message: RawSpan) -> UInt64? {
        var offset = 0
        while offset + Stamp.byteCount <= message.byteCount {
            if message.byte(at: offset) == UInt8(ascii: "~"), Stamp.word(message, offset) == words.0,
                Stamp.word(message, offset + 8) == words.1
            {
                return Hexadecimal.number(message, Stamp.markByteCount + offset)
            }
            offset += 1
        }
        return nil
    }

    private static func word(_ bytes: RawSpan, _ offset: Int) -> UInt64 {
        unsafe bytes.unsafeLoadUnaligned(fromByteOffset: offset, as: UInt64.self)
    }
}

/// Numbers as 16 hexadecimal digits.
enum Hexadecimal {
    static func digits(_ number: UInt64) -> String {
        let text = String(number, radix: 16)
        return String(repeating: "0", count: 16 - text.utf8.count) + text
    }

    /// Parses 16 lower-case digits at `offset`; nil if there are none.
    static func number(_ bytes: RawSpan, _ offset: Int) -> UInt64? {
        var number: UInt64 = 0
        for index in offset..<offset + 16 {
            let byte = bytes.byte(at: index)
            let digit: UInt8
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): digit = byte - UInt8(ascii: "0")
            case UInt8(ascii: "a")...UInt8(ascii: "f"): digit = byte - UInt8(ascii: "a") + 10
            default: return nil
            }
            number = number << 4 | UInt64(digit)
        }
        return number
    }
}
