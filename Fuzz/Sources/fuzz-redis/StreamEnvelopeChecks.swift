import Broker
import Bytes
import Channels
import FuzzSupport

@testable import RedisBridge

/// Any bytes are a payload or an envelope, and what pushd wraps is read again.
///
/// The first line is the key, the second the excluded connection, and everything is the payload.
func checkStreamEnvelope(_ lines: [[UInt8]], _ payload: [UInt8]) {
    for message in lines.map({ Array("\0pushd1 ".utf8) + $0 }) + [payload] {
        guard let envelope = StreamEnvelope(message.rawSpan) else { continue }
        expect(envelope.payloadStart <= message.count, "a payload behind the end")
        expectEqual(MessageAttributes(parsing: envelope.attributes.text), envelope.attributes, "attributes")
    }
    let names = lines.prefix(2).map { String(decoding: $0, as: UTF8.self) }
    let key = ChannelName.isValid(names[0]) ? names[0] : nil
    let excluded = names.count > 1 && ChannelName.isValid(names[1]) ? names[1] : nil
    let sent = StreamEnvelope.plain(Publication(channel: "c", payload: payload, key: key, excluded: excluded))
    guard let envelope = StreamEnvelope(sent.rawSpan) else {
        expect(key == nil && excluded == nil, "a key or a connection is lost")
        return expectEqual(sent, payload, "a bare payload")
    }
    expect(envelope.kind == .plain, "a number from nowhere")
    expectEqual(Array(sent[envelope.payloadStart...]), payload, "the payload")
    expectEqual(envelope.key.map { Array($0.utf8) }, key.map { Array($0.utf8) }, "the key")
    expectEqual(envelope.attributes.excluded.map { Array($0.utf8) }, excluded.map { Array($0.utf8) }, "the connection")
}
