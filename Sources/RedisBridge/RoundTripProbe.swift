internal import Bytes

/// A message that the bridge publishes to itself: what comes back shows that both links and Redis do their work.
struct RoundTripProbe {
    /// The Redis channel of this bridge alone, outside every prefix.
    let channel: [UInt8]
    private var sequence: UInt64 = 0
    private var sentNanoseconds: UInt64?
    /// Why the last one could not be published.
    var refusal: String?

    init(using generator: inout some RandomNumberGenerator) {
        let digits = String(UInt64.random(in: .min ... .max, using: &generator), radix: 16)
        channel = Array("pushd:probe:\(digits)".utf8)
    }

    /// Whether the last one has not come back yet.
    var isOut: Bool { sentNanoseconds != nil }

    /// The payload of the next one.
    mutating func send(atNanoseconds now: UInt64) -> [UInt8] {
        sequence += 1
        sentNanoseconds = now
        refusal = nil
        return payload
    }

    /// Takes a payload from the channel.
    ///
    /// - Returns: the round trip in milliseconds; nil for one of an earlier connection.
    mutating func received(_ bytes: RawSpan, atNanoseconds now: UInt64) -> Double? {
        guard let sent = sentNanoseconds, bytes.hasSameBytes(as: payload.rawSpan) else { return nil }
        sentNanoseconds = nil
        return Double(now - sent) / 1e6
    }

    private var payload: [UInt8] { Array(String(sequence).utf8) }
}
