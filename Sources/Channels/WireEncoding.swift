/// How messages are wrapped for a subscriber, chosen by its subprotocol.
public enum WireEncoding: UInt8, Sendable {
    /// The published bytes, verbatim: a text frame if they are valid UTF-8, else a binary one.
    case plain
    /// `pushd.v1`: a text frame `{"channel":"c","data":…}`.
    case envelope
}
