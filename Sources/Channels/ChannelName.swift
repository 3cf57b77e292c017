/// What may name a channel: 1 to 255 bytes of UTF-8 without control characters.
public enum ChannelName {
    /// The longest name in bytes.
    public static let maxBytes = 255

    /// Whether `name` can name a channel.
    public static func isValid(_ name: String) -> Bool {
        let bytes = name.utf8
        guard (1...maxBytes).contains(bytes.count) else { return false }
        var previous: UInt8 = 0
        for byte in bytes {
            // Unicode's control characters (Cc): U+0000 to U+001F, U+007F, and U+0080 to U+009F, which UTF-8 writes as C2 80 to C2 9F.
            if byte < 0x20 || byte == 0x7F || (previous == 0xC2 && byte < 0xA0) { return false }
            previous = byte
        }
        return true
    }
}
