import Access

extension ValueSyntax where Value == Int {
    /// A whole number in a range.
    static func number(_ range: ClosedRange<Int>) -> ValueSyntax {
        ValueSyntax("n", wholeNumber(range)) { text in Int(text).flatMap { range.contains($0) ? $0 : nil } }
    }

    /// A size in bytes; K, M and G are powers of 1024.
    static func size(_ range: ClosedRange<Int> = 1...Int.max) -> ValueSyntax {
        let upTo = range.upperBound == Int.max ? "" : " to \(Units.text(bytes: range.upperBound))"
        let expected = "a size from \(Units.text(bytes: range.lowerBound))\(upTo), such as 65536, 64KiB or 1M"
        return ValueSyntax("size", expected, text: { Units.text(bytes: $0) }) { text in
            Units.bytes(text).flatMap { range.contains($0) ? $0 : nil }
        }
    }
}

extension ValueSyntax where Value == Double {
    /// A number in a range.
    static func decimal(_ range: ClosedRange<Double>, _ expected: String) -> ValueSyntax {
        ValueSyntax("n", expected) { text in Double(text).flatMap { range.contains($0) ? $0 : nil } }
    }
}

extension ValueSyntax where Value == Duration {
    /// A time above 0 and of at most a day: seconds, or with a unit.
    static var time: ValueSyntax { time("above") { $0 > .zero } }

    /// A time of at most a day, or 0.
    static var timeOrZero: ValueSyntax { time("from") { _ in true } }

    private static func time(
        _ bound: String, _ isAllowed: @escaping @Sendable (Duration) -> Bool
    ) -> ValueSyntax {
        let expected = "a time \(bound) 0 to 24h, such as 30 (seconds), 500ms, 5s, 2m or 1h"
        return ValueSyntax("time", expected, text: { Units.text(time: $0) }) { text in
            Units.time(text).flatMap { $0 <= .seconds(86_400) && isAllowed($0) ? $0 : nil }
        }
    }
}

extension ValueSyntax where Value == Limit {
    /// A whole number in a range, followed by `:dry` if it is only counted.
    static func limit(_ range: ClosedRange<Int> = 1...Int.max) -> ValueSyntax {
        ValueSyntax("n[:dry]", "\(wholeNumber(range)), followed by :dry to count only") { text in
            let (number, isEnforced) = withoutDry(text)
            return Int(number).flatMap { range.contains($0) ? Limit($0, isEnforced: isEnforced) : nil }
        }
    }
}

extension ValueSyntax {
    /// Removes `:dry` from a limit's value.
    static func withoutDry(_ text: String) -> (number: String, isEnforced: Bool) {
        let mark = ":dry"
        return text.hasSuffix(mark) ? (String(text.dropLast(mark.count)), false) : (text, true)
    }

    private static func wholeNumber(_ range: ClosedRange<Int>) -> String {
        let upTo = range.upperBound == Int.max ? "" : " to \(range.upperBound)"
        return "a whole number from \(range.lowerBound)\(upTo)"
    }
}
