extension JSON {
    /// The strings of an array such as `["a","b"]`, without their escapes.
    ///
    /// Nil if `text` is not an array or has an element that is not a string.
    public static func strings(_ text: RawSpan) -> [String]? {
        guard let elements = elements(text) else { return nil }
        var strings: [String] = []
        for element in elements {
            guard text.byte(at: element.lowerBound) == UInt8(ascii: "\"") else { return nil }
            strings.append(text.jsonString(element.lowerBound + 1..<element.upperBound - 1))
        }
        return strings
    }

    /// The positions of an array's elements, each a value of any kind; nil if `text` is not an array.
    public static func elements(_ text: RawSpan) -> [Range<Int>]? {
        var scanner = JSONScanner(text)
        scanner.skipWhitespace()
        guard scanner.next == UInt8(ascii: "["), let hasElements = try? scanner.enterArray() else { return nil }
        var elements: [Range<Int>] = []
        while hasElements {
            scanner.skipWhitespace()
            let start = scanner.offset
            guard (try? scanner.skipValue()) != nil else { return nil }
            elements.append(start..<scanner.offset)
            scanner.skipWhitespace()
            if scanner.take(UInt8(ascii: ",")) { continue }
            guard scanner.take(UInt8(ascii: "]")) else { return nil }
            break
        }
        scanner.skipWhitespace()
        return scanner.next == nil ? elements : nil
    }
}
