extension UInt8 {
    /// Whether this is an ASCII digit.
    @inlinable
    public var isDigit: Bool { self &- UInt8(ascii: "0") < 10 }

    /// The value of an ASCII hexadecimal digit; nil for any other byte.
    @inlinable
    public var hexDigitValue: UInt8? {
        if isDigit { return self &- UInt8(ascii: "0") }
        // Setting 0x20 turns ASCII capitals into lower-case letters.
        let letter = (self | 0x20) &- UInt8(ascii: "a")
        return letter < 6 ? letter + 10 : nil
    }
}
