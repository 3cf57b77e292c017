/// Writes a JSON object, member by member.
public struct JSONObjectWriter: Sendable {
    private var text: [UInt8] = []

    /// An object without members.
    public init() {
        text.reserveCapacity(128)  // most objects are smaller, so that they need one allocation
        text.append(UInt8(ascii: "{"))
    }

    /// Adds a member that is a string.
    public mutating func member(_ name: String, _ value: String) {
        begin(name)
        JSON.appendString(value, to: &text)
    }

    /// Adds a member that is a number.
    public mutating func member(_ name: String, _ value: Int) {
        begin(name)
        text.append(contentsOf: String(value).utf8)
    }

    /// Adds a member whose value is already JSON text.
    public mutating func member(_ name: String, raw value: [UInt8]) {
        begin(name)
        text.append(contentsOf: value)
    }

    /// Ends the object and returns its text.
    public consuming func finish() -> [UInt8] {
        text.append(UInt8(ascii: "}"))
        return text
    }

    private mutating func begin(_ name: String) {
        if text.count > 1 { text.append(UInt8(ascii: ",")) }
        JSON.appendString(name, to: &text)
        text.append(UInt8(ascii: ":"))
    }
}
