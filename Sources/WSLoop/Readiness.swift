/// What a descriptor is ready for, or should be watched for.
public struct Readiness: OptionSet, Sendable {
    /// The bits.
    public let rawValue: UInt8

    /// Makes a set of the given bits.
    public init(rawValue: UInt8) { self.rawValue = rawValue }

    /// There are bytes to read, the end of the stream, or an error.
    public static let readable = Readiness(rawValue: 1)
    /// There is room for writes.
    public static let writable = Readiness(rawValue: 2)
    /// The connection is closed in both directions, or broken.
    public static let hangUp = Readiness(rawValue: 4)
}
