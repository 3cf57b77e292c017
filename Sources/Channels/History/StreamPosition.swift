/// A place in the history of a channel: a message, by its number.
///
/// Numbers are 1, 2, 3 … within an epoch. When they start again, because the history was lost, the epoch is a new one.
public struct StreamPosition: Equatable, Sendable, CustomStringConvertible {
    /// The longest epoch that a client may send.
    public static let maxEpochBytes = 64

    /// The epoch, an opaque text; empty for any.
    public let epoch: String
    /// The number of a message; 0 for the place before the first.
    public let offset: UInt64

    /// A place in a history.
    public init(epoch: String, offset: UInt64) {
        self.epoch = epoch
        self.offset = offset
    }

    /// Reads `EPOCH:OFFSET`; nil if it is something else.
    public init?(_ text: String) {
        guard let colon = text.utf8.lastIndex(of: UInt8(ascii: ":")),
            let position = StreamPosition(
                epoch: String(text[..<colon]), digits: String(text[text.index(after: colon)...]))
        else { return nil }
        self = position
    }

    /// A place whose number is written in decimal digits; nil if it is not, or if the epoch is too long.
    public init?(epoch: String, digits: String) {
        guard epoch.utf8.count <= StreamPosition.maxEpochBytes,
            digits.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }),
            let offset = UInt64(digits)
        else { return nil }
        self.init(epoch: epoch, offset: offset)
    }

    /// `EPOCH:OFFSET`.
    public var description: String { "\(epoch):\(offset)" }
}
