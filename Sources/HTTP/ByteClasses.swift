internal import Bytes
internal import Glibc

/// Bytes that HTTP's grammar names.
enum ASCII {
    static let tab: UInt8 = 0x09
    static let lf: UInt8 = 0x0A
    static let cr: UInt8 = 0x0D
    static let space: UInt8 = 0x20
    static let quote = UInt8(ascii: "\"")
    static let percent = UInt8(ascii: "%")
    static let ampersand = UInt8(ascii: "&")
    static let plus = UInt8(ascii: "+")
    static let comma = UInt8(ascii: ",")
    static let slash = UInt8(ascii: "/")
    static let colon = UInt8(ascii: ":")
    static let semicolon = UInt8(ascii: ";")
    static let equals = UInt8(ascii: "=")
    static let question = UInt8(ascii: "?")
    static let backslash = UInt8(ascii: "\\")
}

extension UInt8 {
    /// A byte of a token (RFC 9110 5.6.2): a letter, a digit or a sign that is not a delimiter.
    var isTokenByte: Bool { isMember(low: 0x03ff_6cfa_0000_0000, high: 0x57ff_ffff_c7ff_fffe) }

    /// A byte of a registered name (RFC 3986 3.2.2), except for escapes, and for the comma, which joins two hosts.
    var isHostByte: Bool { isMember(low: 0x2bff_6fd2_0000_0000, high: 0x47ff_fffe_87ff_fffe) }

    /// A visible ASCII byte other than `#`, because fragments are never sent (RFC 9112 3.2).
    var isTargetByte: Bool { self > ASCII.space && self < 0x7F && self != UInt8(ascii: "#") }

    /// A control byte other than HTAB, the only control allowed in a header value (RFC 9110 5.5).
    var isForbiddenControl: Bool { self < ASCII.space && self != ASCII.tab || self == 0x7F }

    /// SP or HTAB, the optional white space of RFC 9110 5.6.3.
    var isBlank: Bool { self == ASCII.space || self == ASCII.tab }

    var lowercasedASCII: UInt8 { self &- UInt8(ascii: "A") < 26 ? self | 0x20 : self }

    /// Whether this byte's bit is set in a set of ASCII bytes given as two words.
    private func isMember(low: UInt64, high: UInt64) -> Bool {
        self < 0x80 && (self < 64 ? low : high) &>> UInt64(self & 63) & 1 == 1
    }
}

/// A range of bytes in a head, half as large as `Range<Int>`, because every name and every value has one.
struct ByteRange {
    private let start: UInt32
    private let end: UInt32

    init(_ start: Int, _ end: Int) {
        self.start = UInt32(start)
        self.end = UInt32(end)
    }

    var bounds: Range<Int> { Int(start)..<Int(end) }
    var count: Int { Int(end &- start) }
}

extension RawSpan {
    /// Whether the bytes of `range` are exactly `text`.
    func matches(_ range: Range<Int>, _ text: StaticString) -> Bool {
        guard range.count == text.utf8CodeUnitCount else { return false }
        for index in 0..<range.count
        where byte(at: range.lowerBound + index) != (unsafe text.utf8Start[index]) { return false }
        return true
    }

    /// Whether the bytes of `range` equal `lowercase`, an ASCII text, ignoring case.
    ///
    /// Compares eight bytes at a time, because a dozen fields are looked up by name per request.
    func matchesIgnoringCase(_ range: Range<Int>, _ lowercase: StaticString) -> Bool {
        let count = range.count
        guard count == lowercase.utf8CodeUnitCount else { return false }
        let text = unsafe UnsafeRawPointer(lowercase.utf8Start)
        guard count >= 8 else { return unsafe matchesShort(range, text) }
        var index = 0
        while index < count {
            // The last word overlaps the one before if the length is not a multiple of eight.
            index = min(index, count - 8)
            let word = unsafe unsafeLoadUnaligned(fromByteOffset: range.lowerBound + index, as: UInt64.self)
            guard Self.isSame(word, ignoringCaseOf: unsafe text.loadUnaligned(fromByteOffset: index, as: UInt64.self))
            else { return false }
            index += 8
        }
        return true
    }

    /// The same for less than eight bytes.
    private func matchesShort(_ range: Range<Int>, _ lowercase: UnsafeRawPointer) -> Bool {
        guard range.count >= 4 else {
            for index in 0..<range.count
            where byte(at: range.lowerBound + index).lowercasedASCII
                != (unsafe lowercase.load(fromByteOffset: index, as: UInt8.self))
            { return false }
            return true
        }
        // The first four bytes and the last four.
        let (first, last) = (range.lowerBound, range.upperBound - 4)
        let word =
            unsafe UInt64(unsafeLoadUnaligned(fromByteOffset: first, as: UInt32.self)) << 32
            | UInt64(unsafeLoadUnaligned(fromByteOffset: last, as: UInt32.self))
        let text =
            unsafe UInt64(lowercase.loadUnaligned(as: UInt32.self)) << 32
            | UInt64(lowercase.loadUnaligned(fromByteOffset: range.count - 4, as: UInt32.self))
        return Self.isSame(word, ignoringCaseOf: text)
    }

    /// Whether eight bytes equal eight bytes of a lower-case ASCII text, ignoring case.
    private static func isSame(_ word: UInt64, ignoringCaseOf lowercase: UInt64) -> Bool {
        let ones: UInt64 = 0x0101_0101_0101_0101
        // All bytes are below 0x80, so no carry crosses bytes. The top bit of `fromA` is set from "a" on, of `pastZ`
        // after "z".
        let fromA = lowercase &+ ones &* (0x80 - 0x61)
        let pastZ = lowercase &+ ones &* (0x80 - 0x7B)
        let letters = fromA & ~pastZ & (ones &* 0x80)
        return (word ^ lowercase) & ~(letters &>> 2) == 0
    }

    /// The first offset in `range` that holds `byte`.
    func firstOffset(of byte: UInt8, in range: Range<Int>) -> Int? {
        unsafe withUnsafeBytes { bytes in
            guard let start = bytes.baseAddress, !range.isEmpty,
                let found = unsafe memchr(start + range.lowerBound, Int32(byte), range.count)
            else { return nil }
            return unsafe UnsafeRawPointer(found) - start
        }
    }

    /// `range` without leading and trailing white space (OWS, RFC 9110 5.6.3).
    func trimmed(_ range: Range<Int>) -> Range<Int> {
        var (start, end) = (range.lowerBound, range.upperBound)
        while start < end, byte(at: start).isBlank { start += 1 }
        while end > start, byte(at: end - 1).isBlank { end -= 1 }
        return start..<end
    }

    /// The offset of the first control byte other than HTAB in `start..<end`, or `end`; eight bytes at a time.
    func endOfText(from start: Int, to end: Int) -> Int {
        var offset = start
        while end - offset >= 8 {
            let controls = Self.controls(in: unsafe unsafeLoadUnaligned(fromByteOffset: offset, as: UInt64.self))
            guard controls != 0 else {
                offset += 8
                continue
            }
            offset += controls.trailingZeroBitCount / 8
            guard byte(at: offset) == ASCII.tab else { return offset }
            offset += 1
        }
        while offset < end, !byte(at: offset).isForbiddenControl { offset += 1 }
        return offset
    }

    /// A word whose lowest set bit is in the first byte of `word` that is below 0x20 or equals 0x7F; 0 if there is
    /// none.
    private static func controls(in word: UInt64) -> UInt64 {
        // A borrow affects higher bytes only, so bits above the lowest one may be wrong and are ignored.
        let ones: UInt64 = 0x0101_0101_0101_0101
        let bytes = UInt64(littleEndian: word)
        let deletes = bytes ^ (ones &* 0x7F)
        return ((bytes &- ones &* 0x20) & ~bytes | (deletes &- ones) & ~deletes) & (ones &* 0x80)
    }
}
