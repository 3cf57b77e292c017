extension JSON {
    /// The strings of an array such as `["a","b"]`, without their escapes.
    ///
    /// Nil if `text` is not an array or has an element that is not a string.
    public static func strings(_ text: RawSpan) -> [String]? {
        var scanner = JSONScanner(text)
        scanner.skipWhitespace()
        guard scanner.next == UInt8(ascii: "["), let hasElements = try? scanner.enterArray() else { return nil }
        var strings: [String] = []
        while hasElements {
            scanner.skipWhitespace()
            guard let range = try? scanner.skipString() else { return nil }
            strings.append(text.jsonString(range))
            scanner.skipWhitespace()
            if scanner.take(UInt8(ascii: ",")) { continue }
            guard scanner.take(UInt8(ascii: "]")) else { return nil }
            break
        }
        scanner.skipWhitespace()
        return scanner.next == nil ? strings : nil
    }
}
