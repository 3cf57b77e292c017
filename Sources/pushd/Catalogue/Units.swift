/// Sizes and times as written on a command line: a number, optionally with a unit.
enum Units {
    /// Parses a size: `65536`, `64KiB`, `64KB`, `64K`, `1M`, `2G`, in upper or lower case; nil if it is not one.
    ///
    /// The units are powers of 1024 in all three spellings, as in nginx. (Redis takes `1k` for 1000 and `1kb` for
    /// 1024.)
    static func bytes(_ text: String) -> Int? {
        let digits = text.prefix { $0.isASCII && $0.isNumber }
        guard let number = Int(digits), let shift = shifts[text.dropFirst(digits.count).lowercased()] else {
            return nil
        }
        let (bytes, overflows) = number.multipliedReportingOverflow(by: 1 << shift)
        return overflows ? nil : bytes
    }

    private static let shifts = [
        "": 0, "b": 0, "k": 10, "kb": 10, "kib": 10, "m": 20, "mb": 20, "mib": 20, "g": 30, "gb": 30, "gib": 30,
    ]

    /// Parses a time: `5` (seconds), `0.5`, `500ms`, `5s`, `2m`, `1h`; nil if it is not one.
    static func time(_ text: String) -> Duration? {
        let digits = text.prefix { $0.isASCII && $0.isNumber || $0 == "." }
        guard let number = Double(digits) else { return nil }
        switch text.dropFirst(digits.count).lowercased() {
        case "ms": return .seconds(number / 1000)
        case "", "s": return .seconds(number)
        case "m": return .seconds(number * 60)
        case "h": return .seconds(number * 3600)
        default: return nil
        }
    }

    /// A time in command-line format; in seconds if it is a whole number of them.
    static func text(time: Duration) -> String {
        let milliseconds = Int(time / .milliseconds(1))
        return milliseconds % 1000 == 0 ? "\(milliseconds / 1000)s" : "\(milliseconds)ms"
    }

    /// A size in words, in the largest unit of which it is a multiple.
    static func text(bytes: Int) -> String {
        for (unit, shift) in [("GiB", 30), ("MiB", 20), ("KiB", 10)] where bytes > 0 && bytes % (1 << shift) == 0 {
            return "\(bytes >> shift)\(unit)"
        }
        return bytes == 1 ? "1 byte" : "\(bytes) bytes"
    }

    /// A size for humans, rounded down to MiB if it has any.
    static func rounded(bytes: Int) -> String {
        bytes >> 20 > 0 ? "\(bytes >> 20) MiB" : text(bytes: bytes)
    }
}
