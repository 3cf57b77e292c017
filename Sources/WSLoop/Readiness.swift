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
    /// Only changes are reported: what was already ready must be tried first.
    public static let onlyChanges = Readiness(rawValue: 8)
    /// The peer has ended its direction: after the bytes that can be read comes the end of the stream.
    public static let peerEnded = Readiness(rawValue: 16)
}
