extension JSON {
    /// An array of values that are JSON texts.
    public static func array(_ values: [[UInt8]]) -> [UInt8] {
        var text: [UInt8] = [UInt8(ascii: "[")]
        for value in values {
            if text.count > 1 { text.append(UInt8(ascii: ",")) }
            text.append(contentsOf: value)
        }
        text.append(UInt8(ascii: "]"))
        return text
    }

    /// An array of strings.
    public static func array(_ strings: [String]) -> [UInt8] { array(strings.map { string($0) }) }

    /// A string with its quotes.
    public static func string(_ string: String) -> [UInt8] {
        var text: [UInt8] = []
        appendString(string, to: &text)
        return text
    }
}
