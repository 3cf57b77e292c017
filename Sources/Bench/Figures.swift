/// Formats numbers for humans.
enum Figures {
    /// With a comma between groups of three digits: `1,234,567`.
    static func grouped(_ number: Int) -> String {
        var text = ""
        for (index, digit) in String(number.magnitude).reversed().enumerated() {
            if index > 0, index % 3 == 0 { text.append(",") }
            text.append(digit)
        }
        return (number < 0 ? "-" : "") + String(text.reversed())
    }

    /// A count and its noun: `1 message`, `2 messages`.
    static func count(_ number: Int, _ one: String, _ many: String) -> String {
        "\(grouped(number)) \(number == 1 ? one : many)"
    }

    /// With this many decimals, rounded: `3.10`.
    static func fixed(_ number: Double, decimals: Int) -> String {
        var scale = 1
        for _ in 0..<decimals { scale *= 10 }
        let scaled = Int((number.magnitude * Double(scale)).rounded())
        let fraction = String(scaled % scale + scale).dropFirst()
        return (number < 0 ? "-" : "") + "\(scaled / scale)" + (decimals > 0 ? ".\(fraction)" : "")
    }

    /// A time with about three significant digits: `0.123 ms`, `12.3 ms`, `123 ms`, `10.0 s`.
    static func time(_ nanoseconds: UInt64) -> String {
        let milliseconds = Double(nanoseconds) / 1e6
        if milliseconds < 9.9995 { return fixed(milliseconds, decimals: 3) + " ms" }
        if milliseconds < 99.95 { return fixed(milliseconds, decimals: 1) + " ms" }
        if milliseconds < 999.5 { return fixed(milliseconds, decimals: 0) + " ms" }
        return fixed(milliseconds / 1000, decimals: 2) + " s"
    }

    /// A number per second, without decimals unless it is small: `1,234/s`, `0.5/s`.
    static func rate(_ perSecond: Double) -> String {
        (perSecond < 9.95 ? fixed(perSecond, decimals: 1) : grouped(Int(perSecond.rounded()))) + "/s"
    }

    /// The rate per second for a count in a time; 0 if the time is 0.
    static func perSecond(_ count: Int, in nanoseconds: UInt64) -> Double {
        nanoseconds == 0 ? 0 : Double(count) * 1e9 / Double(nanoseconds)
    }
}
