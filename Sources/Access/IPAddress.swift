internal import Glibc

/// An IPv4 or IPv6 address.
///
/// An IPv4-mapped IPv6 address (RFC 4291 section 2.5.5.2) is treated as the IPv4 address.
public struct IPAddress: Hashable, Sendable, CustomStringConvertible {
    /// The halves of the IPv6 address; an IPv4 address is mapped into IPv6.
    let high: UInt64
    let low: UInt64

    /// Makes an address from its 128 bits.
    public init(high: UInt64, low: UInt64) {
        (self.high, self.low) = (high, low)
    }

    /// Makes an IPv4 address.
    init(ipv4: UInt32) {
        self.init(high: 0, low: 0xFFFF_0000_0000 | UInt64(ipv4))
    }

    /// Parses a numeric address without brackets; nil if it is not one.
    public init?(_ text: some StringProtocol) {
        let text = String(text)
        guard !text.utf8.contains(0) else { return nil }  // C would stop at a NUL
        var four = in_addr()
        var six = [UInt8](repeating: 0, count: 16)
        if unsafe inet_pton(AF_INET, text, &four) == 1 {
            self.init(ipv4: UInt32(bigEndian: four.s_addr))
        } else if unsafe inet_pton(AF_INET6, text, &six) == 1 {
            self.init(high: IPAddress.number(six[..<8]), low: IPAddress.number(six[8...]))
        } else {
            return nil
        }
    }

    /// Whether it is an IPv4 address.
    public var isIPv4: Bool { high == 0 && low >> 32 == 0xFFFF }

    /// The group that limits per address count.
    public var group: AddressGroup {
        isIPv4 ? .ipv4(UInt32(truncatingIfNeeded: low)) : .ipv6Network(high)
    }

    /// The numeric address, as in `192.0.2.1` or `2001:db8::1`.
    public var description: String {
        if isIPv4 {
            let bytes = stride(from: 24, through: 0, by: -8).map { "\(low >> UInt64($0) & 0xFF)" }
            return bytes.joined(separator: ".")
        }
        let bytes = [high.bigEndian, low.bigEndian]
        var text = [UInt8](repeating: 0, count: Int(INET6_ADDRSTRLEN))
        unsafe bytes.withUnsafeBytes { bytes in
            unsafe text.withUnsafeMutableBytes {
                _ = unsafe inet_ntop(AF_INET6, bytes.baseAddress, $0.baseAddress, socklen_t(INET6_ADDRSTRLEN))
            }
        }
        return String(decoding: text.prefix { $0 != 0 }, as: UTF8.self)
    }

    /// The number in these bytes, in network order.
    static func number(_ bytes: some Sequence<UInt8>) -> UInt64 {
        bytes.reduce(0) { $0 << 8 | UInt64($1) }
    }
}

/// A group of addresses that count as one in limits, because one client may own all of them.
public enum AddressGroup: Hashable, Sendable {
    /// An IPv4 address.
    case ipv4(UInt32)
    /// The /64 of an IPv6 address: what a host is usually given (RFC 6177).
    case ipv6Network(UInt64)
}
