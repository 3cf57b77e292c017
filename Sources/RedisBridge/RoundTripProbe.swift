internal import Bytes

/// A message that a shard publishes to itself: if it comes back, both links and Redis work.
struct RoundTripProbe {
    /// This shard's own Redis channel, outside every prefix.
    let channel: String
    private var sequence: UInt64 = 0
    private var sentNanoseconds: UInt64?
    /// Whether Redis has confirmed the channel.
    var isSubscribed = false
    /// Why it could not be subscribed or published.
    var refusal: RedisLinkFailure?

    /// - Parameter slots: the slots that the channel must be in; nil for all.
    init(in slots: SlotSet? = nil, using generator: inout some RandomNumberGenerator) {
        let digits = String(UInt64.random(in: .min ... .max, using: &generator), radix: 16)
        let name = "pushd:probe:\(digits)"
        if let slots, !slots.isEmpty {
            // On average this takes as many attempts as there are slots for each one of the shard.
            channel = (0...).lazy.map { "\(name):\($0)" }.first { slots.contains(slotOf: $0) } ?? name
        } else {
            channel = name
        }
    }

    /// When the outstanding probe was sent; nil if there is none.
    var outSinceMilliseconds: UInt64? { sentNanoseconds.map { $0 / 1_000_000 } }

    /// The payload of the next probe.
    mutating func send(atNanoseconds now: UInt64) -> [UInt8] {
        sequence += 1
        sentNanoseconds = now
        refusal = nil
        return payload
    }

    /// Forgets the outstanding probe: its connection is gone.
    mutating func forget() {
        sentNanoseconds = nil
    }

    /// Handles a payload on the channel.
    ///
    /// - Returns: the round trip in milliseconds; nil for a probe of an earlier connection.
    mutating func received(_ bytes: RawSpan, atNanoseconds now: UInt64) -> Double? {
        guard let sent = sentNanoseconds, bytes.hasSameBytes(as: payload.rawSpan) else { return nil }
        sentNanoseconds = nil
        return Double(now - sent) / 1e6
    }

    private var payload: [UInt8] { Array(String(sequence).utf8) }
}
