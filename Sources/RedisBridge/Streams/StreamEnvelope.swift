internal import Broker
internal import Bytes

/// What a Redis message says besides its payload: the number that the script gave it, or a key.
///
/// An envelope begins with a byte 0 and `pushd1`, which no other message does: a payload that happens to begin so is
/// itself put into an envelope when pushd publishes it.
struct StreamEnvelope: Equatable {
    enum Kind: UInt8 {
        /// A numbered message.
        case message = 0x6D  // m
        /// The messages of the history were dropped.
        case cleared = 0x63  // c
        /// A message without a number.
        case plain = 0x70  // p
    }

    private static let magic = Array("\0pushd1 ".utf8)
    /// Such numbers fit into 64 bits.
    private static let maxDigits = 18

    let kind: Kind
    let epoch: UInt64
    let offset: UInt64
    /// When Redis took the message, in microseconds since 1970.
    let timeMicroseconds: UInt64
    let key: String?
    /// Where the payload begins.
    let payloadStart: Int

    /// Whether a payload could be mistaken for an envelope.
    static func resembles(_ payload: RawSpan) -> Bool {
        payload.byteCount >= magic.count && payload.byte(at: 0) == 0
            && payload.extracting(first: magic.count).hasSameBytes(as: magic.rawSpan)
    }

    /// Reads an envelope; nil if the message is a bare payload.
    init?(_ message: RawSpan) {
        guard StreamEnvelope.resembles(message) else { return nil }
        var place = StreamEnvelope.magic.count + 2  // the kind and a space
        guard message.byteCount > place, let kind = Kind(rawValue: message.byte(at: place - 2)),
            let epoch = StreamEnvelope.number(message, &place, before: " "),
            let offset = StreamEnvelope.number(message, &place, before: " "),
            let time = StreamEnvelope.number(message, &place, before: " "),
            let keyBytes = StreamEnvelope.number(message, &place, before: "\n").flatMap(Int.init(exactly:)),
            keyBytes <= message.byteCount - place
        else { return nil }
        (self.kind, self.epoch, self.offset, timeMicroseconds) = (kind, epoch, offset, time)
        key = keyBytes == 0 ? nil : message.extracting(place..<place + keyBytes).text
        payloadStart = place + keyBytes
    }

    /// What is published for a message without a number: its payload, unless that says too little.
    static func plain(_ publication: Publication) -> [UInt8] {
        let key = publication.key ?? ""
        guard !key.isEmpty || resembles(publication.payload.rawSpan) else { return publication.payload }
        return magic + Array("p 0 0 0 \(key.utf8.count)\n\(key)".utf8) + publication.payload
    }

    /// Reads decimal digits and the byte behind them.
    private static func number(_ bytes: RawSpan, _ offset: inout Int, before end: Unicode.Scalar) -> UInt64? {
        var number: UInt64 = 0
        var digits = 0
        while offset < bytes.byteCount {
            let byte = bytes.byte(at: offset)
            offset += 1
            guard byte != UInt8(ascii: end) else { return digits > 0 ? number : nil }
            guard byte.isDigit, digits < maxDigits else { return nil }
            number = number * 10 + UInt64(byte - UInt8(ascii: "0"))
            digits += 1
        }
        return nil
    }
}
