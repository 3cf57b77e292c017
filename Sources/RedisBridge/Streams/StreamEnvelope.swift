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
    let attributes: MessageAttributes
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
            let sizes = StreamEnvelope.sizes(message, &place), sizes.key <= message.byteCount - place,
            sizes.attributes <= message.byteCount - place - sizes.key
        else { return nil }
        (self.kind, self.epoch, self.offset, timeMicroseconds) = (kind, epoch, offset, time)
        key = sizes.key == 0 ? nil : message.extracting(place..<place + sizes.key).text
        payloadStart = place + sizes.key + sizes.attributes
        let text = message.extracting(place + sizes.key..<payloadStart).text
        attributes = MessageAttributes(parsing: text ?? "")
    }

    /// How long the key and the attributes are; the latter are left out if there are none.
    private static func sizes(_ message: RawSpan, _ place: inout Int) -> (key: Int, attributes: Int)? {
        var end = place
        if let key = number(message, &end, before: "\n") {
            place = end
            return Int(exactly: key).map { ($0, 0) }
        }
        guard let key = number(message, &place, before: " "), let attributes = number(message, &place, before: "\n")
        else { return nil }
        return (Int(key), Int(attributes))
    }

    /// What is published for a message without a number: its payload, unless that says too little.
    static func plain(_ publication: Publication) -> [UInt8] {
        let (key, attributes) = (publication.key ?? "", MessageAttributes(publication).text)
        guard !key.isEmpty || !attributes.isEmpty || resembles(publication.payload.rawSpan) else {
            return publication.payload
        }
        let size = attributes.isEmpty ? "" : " \(attributes.utf8.count)"
        return magic + Array("p 0 0 0 \(key.utf8.count)\(size)\n\(key)\(attributes)".utf8) + publication.payload
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
