/// How far back compressed data may refer, as the base-2 logarithm of the number of bytes.
///
/// A message is compressed once for all subscribers with the same window, so the eight sizes that a client can ask for
/// are served with two. A smaller window than asked for is always allowed (RFC 7692 section 7.1.2.1). Larger ones save
/// little and take twice the time (docs/decisions/0007-compression.md).
public enum DeflateWindow: UInt8, CaseIterable, Sendable {
    /// 512 bytes, for clients that ask for less than 4 KiB.
    case bits9 = 9
    /// 4 KiB, for all others.
    case bits12 = 12

    /// The largest window within `maxBits`; nil for 8, which zlib cannot compress with.
    static func largest(within maxBits: UInt8) -> DeflateWindow? {
        allCases.last { $0.rawValue <= maxBits }
    }

    /// zlib's memory for matches and symbols (zlib.h, deflateInit2): 32 KiB in all for the larger window.
    var memoryLevel: Int32 {
        switch self {
        case .bits9: 1
        case .bits12: 5
        }
    }
}
