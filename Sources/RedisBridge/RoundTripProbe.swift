internal import Bytes

/// A message that a shard publishes to itself: what comes back shows that both links and Redis do their work.
struct RoundTripProbe {
    /// The Redis channel of this shard alone, outside every prefix.
    let channel: String
    private var sequence: UInt64 = 0
    private var sentNanoseconds: UInt64?
    /// Why it could not be subscribed or published to.
    var refusal: String?

    /// - Parameter slots: the slots that the channel must be in; nil if any will do.
    init(in slots: SlotSet? = nil, using generator: inout some RandomNumberGenerator) {
        let digits = String(UInt64.random(in: .min ... .max, using: &generator), radix: 16)
        let name = "pushd:probe:\(digits)"
        if let slots, !slots.isEmpty {
            // As many attempts as there are slots for each of the shard's, on average.
            channel = (0...).lazy.map { "\(name):\($0)" }.first { slots.contains(slotOf: $0) } ?? name
        } else {
            channel = name
        }
    }

    /// When the one that has not come back yet was sent; nil if there is none.
    var outSinceMilliseconds: UInt64? { sentNanoseconds.map { $0 / 1_000_000 } }

    /// The payload of the next one.
    mutating func send(atNanoseconds now: UInt64) -> [UInt8] {
        sequence += 1
        sentNanoseconds = now
        refusal = nil
        return payload
    }

    /// No probe is out any more: its connection is gone.
    mutating func forget() {
        sentNanoseconds = nil
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
