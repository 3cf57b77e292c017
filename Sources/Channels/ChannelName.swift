/// The rules for channel names: 1 to 255 bytes of UTF-8 without control characters.
public enum ChannelName {
    /// The longest name in bytes.
    public static let maxBytes = 255

    /// Whether `name` is a valid channel name.
    public static func isValid(_ name: String) -> Bool {
        (1...maxBytes).contains(name.utf8.count) && hasNoControls(name)
    }

    /// Why `name` is not a valid channel name, in words that follow the name; nil if it is valid.
    public static func problem(with name: String) -> String? {
        let count = name.utf8.count
        guard count > 0 else { return "is empty" }
        guard count <= maxBytes else { return "has \(count) bytes, \(maxBytes) are allowed" }
        return hasNoControls(name) ? nil : "has a control character in it, such as a line break"
    }

    private static func hasNoControls(_ name: String) -> Bool {
        var previous: UInt8 = 0
        for byte in name.utf8 {
            // Unicode's control characters (Cc): U+0000 to U+001F, U+007F, and U+0080 to U+009F (C2 80 to C2 9F in
            // UTF-8).
            if byte < 0x20 || byte == 0x7F || (previous == 0xC2 && byte < 0xA0) { return false }
            previous = byte
        }
        return true
    }
}
