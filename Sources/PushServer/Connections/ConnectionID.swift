internal import Bytes
internal import WSLoop

/// The public name of a connection: unique among all nodes, and not used again after a restart.
///
/// Clients and publishers pass it back as it is. The names of a node's connections have the order of their loops and
/// slots.
struct ConnectionID: Equatable, Sendable, CustomStringConvertible {
    private static let digits = (node: 16, loop: 4, slot: 8, generation: 8)

    /// The node, by a random number of its process.
    let node: UInt64
    /// The index of the loop.
    let loop: Int
    let key: StreamKey

    init(node: UInt64, loop: Int, _ key: StreamKey) {
        (self.node, self.loop, self.key) = (node, loop, key)
    }

    /// Reads a name; nil if it is not one.
    init?(_ text: String) {
        var rest = text.utf8[...]
        guard let node = ConnectionID.takeNumber(&rest, ConnectionID.digits.node),
            let loop = ConnectionID.takeNumber(&rest, ConnectionID.digits.loop),
            let slot = ConnectionID.takeNumber(&rest, ConnectionID.digits.slot),
            let generation = ConnectionID.takeNumber(&rest, ConnectionID.digits.generation), rest.isEmpty
        else { return nil }
        let key = StreamKey(slot: UInt32(truncatingIfNeeded: slot), generation: UInt32(truncatingIfNeeded: generation))
        self.init(node: node, loop: Int(loop), key)
    }

    var description: String {
        ConnectionID.text(node, ConnectionID.digits.node) + ConnectionID.text(UInt64(loop), ConnectionID.digits.loop)
            + ConnectionID.text(UInt64(key.slot), ConnectionID.digits.slot)
            + ConnectionID.text(UInt64(key.generation), ConnectionID.digits.generation)
    }

    /// The name of a node, with which the names of its connections begin.
    static func nodeName(_ node: UInt64) -> String { text(node, digits.node) }

    private static func text(_ number: UInt64, _ digits: Int) -> String {
        let text = String(number, radix: 16)
        return String(repeating: "0", count: digits - text.utf8.count) + text
    }

    /// Removes a number from the front; only small letters count, so that a connection has one name.
    private static func takeNumber(_ text: inout Substring.UTF8View, _ digits: Int) -> UInt64? {
        let front = text.prefix(digits)
        guard front.count == digits else { return nil }
        text = text.dropFirst(digits)
        var number: UInt64 = 0
        for byte in front {
            guard let value = byte.hexDigitValue, !(UInt8(ascii: "A")...UInt8(ascii: "F")).contains(byte) else {
                return nil
            }
            number = number << 4 | UInt64(value)
        }
        return number
    }
}
