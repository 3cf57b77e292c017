internal import Bytes

/// Why a text is no range of addresses.
public enum AddressRangeViolation: Error, Equatable, CustomStringConvertible {
    /// What is before the slash is no address.
    case noAddress
    /// What is behind the slash is no number, or larger than an address has bits.
    case badLength(most: Int)
    /// Bits are set behind those that count; such a range is perhaps not what was meant.
    case bitsBehindPrefix(meant: String)

    /// What is wrong, and what is right.
    public var description: String {
        switch self {
        case .noAddress: "an address or a range is numeric, as in 10.0.0.0/8 or 2001:db8::1"
        case .badLength(let most): "behind the slash is a number from 0 to \(most)"
        case .bitsBehindPrefix(let meant): "its bits behind the prefix are not zero, as in \(meant)"
        }
    }
}

/// A range of addresses such as `10.0.0.0/8`, or a single one.
///
/// No range of IPv6 has an address of IPv4, not even `::/0`.
public struct AddressRange: Equatable, Sendable, CustomStringConvertible {
    private let first: IPAddress
    /// How many bits of 128 are the same in all.
    private let prefixBits: Int

    /// Reads `ADDRESS` or `ADDRESS/LENGTH`.
    public init(parsing text: String) throws(AddressRangeViolation) {
        let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        guard let address = IPAddress(parts[0]) else { throw .noAddress }
        let bits = address.isIPv4 ? 32 : 128
        var length = bits
        if parts.count == 2 {
            guard parts[1].utf8.allSatisfy(\.isDigit),
                let number = Int(parts[1]), number <= bits
            else { throw .badLength(most: bits) }
            length = number
        }
        prefixBits = 128 - bits + length
        first = AddressRange.cut(address, toBits: prefixBits)
        guard first == address else { throw .bitsBehindPrefix(meant: "\(first)/\(length)") }
    }

    /// Whether the range has an address.
    public func contains(_ address: IPAddress) -> Bool {
        address.isIPv4 == first.isIPv4 && AddressRange.cut(address, toBits: prefixBits) == first
    }

    /// As in `10.0.0.0/8`; without a length if it is one address.
    public var description: String {
        guard prefixBits < 128 else { return "\(first)" }
        return "\(first)/\(first.isIPv4 ? prefixBits - 96 : prefixBits)"
    }

    private static func cut(_ address: IPAddress, toBits bits: Int) -> IPAddress {
        // A shift by the width of a number or more gives zero.
        let mask = (high: ~UInt64(0) << UInt64(max(64 - bits, 0)), low: ~UInt64(0) << UInt64(min(128 - bits, 64)))
        return IPAddress(high: address.high & mask.high, low: address.low & mask.low)
    }
}
