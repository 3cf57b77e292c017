/// How far back compressed data may refer, as the base-2 logarithm of its bytes.
///
/// A message is compressed once for all subscribers with the same window, so the seven that a client can ask for are
/// served with three: a smaller one than asked for is always right (RFC 7692 section 7.1.2.1).
public enum DeflateWindow: UInt8, CaseIterable, Sendable {
    /// 512 bytes.
    case bits9 = 9
    /// 4 KiB: what Python's websockets asks for.
    case bits12 = 12
    /// 32 KiB: browsers and whoever asks for nothing.
    case bits15 = 15

    /// The largest window within `maxBits`; nil for 8, with which zlib cannot compress.
    static func largest(within maxBits: UInt8) -> DeflateWindow? {
        allCases.last { $0.rawValue <= maxBits }
    }

    /// zlib's memory for matches and symbols, smaller for a smaller window (zlib.h, deflateInit2): 256 KiB in all for the
    /// largest.
    var memoryLevel: Int32 {
        switch self {
        case .bits9: 1
        case .bits12: 5
        case .bits15: 8
        }
    }
}
