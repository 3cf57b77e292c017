/// The name of a connection as Pusher's clients and libraries write it: two numbers with a point between them.
public struct SocketID: Equatable, Sendable {
    /// The node, by a random number of its process.
    public let node: UInt64
    /// The index of the loop there.
    public let loop: UInt16
    /// The connection's slot.
    public let slot: UInt32
    /// Distinguishes successive users of the slot.
    public let generation: UInt32

    /// The name of a connection.
    public init(node: UInt64, loop: UInt16, slot: UInt32, generation: UInt32) {
        (self.node, self.loop, self.slot, self.generation) = (node, loop, slot, generation)
    }

    /// Reads a name; nil if it is none of a connection of pushd.
    public init?(_ text: String) {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 2, SocketID.isNumber(parts[0]), SocketID.isNumber(parts[1]),
            let node = UInt64(parts[0]), let place = UInt128(parts[1]), let loop = UInt16(exactly: place >> 64)
        else { return nil }
        self.init(
            node: node, loop: loop, slot: UInt32(truncatingIfNeeded: place >> 32),
            generation: UInt32(truncatingIfNeeded: place))
    }

    /// Whether a text is the name of a connection, possibly of another server.
    static func isValid(_ text: String) -> Bool {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        return parts.count == 2 && text.utf8.count <= 64 && parts.allSatisfy(isNumber)
    }

    /// The name as text.
    var text: String {
        "\(node).\(UInt128(loop) << 64 | UInt128(slot) << 32 | UInt128(generation))"
    }

    /// Only digits: a number's own parser would take a sign as well.
    private static func isNumber(_ text: Substring) -> Bool {
        !text.isEmpty && text.utf8.allSatisfy { UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0 }
    }
}
