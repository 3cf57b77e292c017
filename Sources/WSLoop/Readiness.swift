/// What a descriptor is ready for, or what one waits for.
public struct Readiness: OptionSet, Sendable {
    /// The bits.
    public let rawValue: UInt8

    /// Makes a set of the given bits.
    public init(rawValue: UInt8) { self.rawValue = rawValue }

    /// There is something to read, the end of the stream and errors included.
    public static let readable = Readiness(rawValue: 1)
    /// There is room to write.
    public static let writable = Readiness(rawValue: 2)
    /// The connection is over in both directions, or broken.
    public static let hangUp = Readiness(rawValue: 4)
}
