internal import Bytes

/// Why a text is not a range of addresses.
public enum AddressRangeViolation: Error, Equatable, CustomStringConvertible {
    /// The part before the slash is not an address.
    case noAddress
    /// The part after the slash is not a number, or exceeds the number of bits in an address.
    case badLength(most: Int)
    /// Bits after the prefix are set, so the range may not be what was meant.
    case bitsBehindPrefix(meant: String)

    /// The problem and the accepted form.
    public var description: String {
        switch self {
        case .noAddress: "an address or a range is numeric, as in 10.0.0.0/8 or 2001:db8::1"
        case .badLength(let most): "behind the slash is a number from 0 to \(most)"
        case .bitsBehindPrefix(let meant): "its bits behind the prefix are not zero, as in \(meant)"
        }
    }
}

/// A range of addresses such as `10.0.0.0/8`, or a single address.
///
/// An IPv6 range never contains an IPv4 address, not even `::/0`.
public struct AddressRange: Equatable, Sendable, CustomStringConvertible {
    private let first: IPAddress
    /// How many of the 128 bits all addresses of the range share.
    private let prefixBits: Int

    /// Parses `ADDRESS` or `ADDRESS/LENGTH`.
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

    /// Whether the range contains an address.
    public func contains(_ address: IPAddress) -> Bool {
        address.isIPv4 == first.isIPv4 && AddressRange.cut(address, toBits: prefixBits) == first
    }

    /// As in `10.0.0.0/8`; without a length for a single address.
    public var description: String {
        guard prefixBits < 128 else { return "\(first)" }
        return "\(first)/\(first.isIPv4 ? prefixBits - 96 : prefixBits)"
    }

    private static func cut(_ address: IPAddress, toBits bits: Int) -> IPAddress {
        // Shifting by the full width or more gives zero.
        let mask = (high: ~UInt64(0) << UInt64(max(64 - bits, 0)), low: ~UInt64(0) << UInt64(min(128 - bits, 64)))
        return IPAddress(high: address.high & mask.high, low: address.low & mask.low)
    }
}
