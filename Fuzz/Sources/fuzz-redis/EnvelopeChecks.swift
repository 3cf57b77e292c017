import Bytes
import FuzzSupport
import Protocols
import WebSocket

@testable import Channels

/// A message is one frame in each wire form, and a client reads the published payload from it.
func checkEnvelope(channel: String, payload: [UInt8]) {
    let message = Message(channel: channel, payload: payload, receivedNanoseconds: 0)
    expectEqual(message.isText, String(validating: payload, as: UTF8.self) != nil, "text")
    let plain: ConnectionMachine.Event = message.isText ? .text(payload) : .binary(payload)
    expectEqual(received(message, as: nil), plain, "a plain message")
    guard case .text(let text) = received(message, as: "pushd.v1"), let object = try? JSONObject(parsing: text.rawSpan)
    else { return expect(false, "no envelope") }
    // A message to single connections has no channel.
    let name = if case .string(let name) = object["channel"] { name } else { "" }
    expect(name.utf8.elementsEqual(channel.utf8), "the envelope's channel is \(name)")
    checkData(object, in: text, payload, isText: message.isText)
}

private func received(_ message: Message, as subprotocol: String?) -> ConnectionMachine.Event {
    var frame: [UInt8] = []
    var writer = FrameWriter(encoders: ClientProtocols.encoders)
    let encoder = ClientProtocols.index(ofSubprotocol: subprotocol)
    writer.append(message, WireForm(encoder: encoder), to: &frame)
    let limits = ConnectionMachine.Limits(maxMessageBytes: 1 << 20, maxFragments: 1)
    let received = Received([frame], by: ConnectionMachine(role: .client), limits)
    expectEqual(received.events.count, 1, "messages in a frame")
    return received.events[0]
}

/// The envelope contains JSON unchanged, other text as a string, and other bytes as Base64.
private func checkData(_ object: JSONObject, in text: [UInt8], _ payload: [UInt8], isText: Bool) {
    let raw = object.rawRange(of: "data").map { Array(text[$0]) }
    if !isText {
        guard raw == nil, case .string(let base64) = object["data_base64"] else {
            return expect(false, "an envelope without data_base64")
        }
        expectEqual(naiveBase64Decoded(base64), payload, "the decoded Base64")
    } else if JSON.isValid(payload.rawSpan) {
        expectEqual(raw, trimmed(payload), "the JSON in the envelope")
    } else {
        guard case .string(let data) = object["data"] else { return expect(false, "an envelope without text") }
        expect(data.utf8.elementsEqual(payload), "the text in the envelope")
    }
}

private func trimmed(_ json: [UInt8]) -> [UInt8] {
    let isBlank: (UInt8) -> Bool = { [0x20, 0x09, 0x0A, 0x0D].contains($0) }
    return Array(json.drop(while: isBlank).reversed().drop(while: isBlank).reversed())
}

/// Decodes RFC 4648 section 4 bit by bit.
private func naiveBase64Decoded(_ text: String) -> [UInt8] {
    let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
    var (bytes, bits, bitCount) = ([] as [UInt8], 0, 0)
    for character in text.utf8.prefix(while: { $0 != UInt8(ascii: "=") }) {
        bits = bits << 6 | expectSome(alphabet.firstIndex(of: character), "byte \(character) in Base64")
        bitCount += 6
        guard bitCount >= 8 else { continue }
        bitCount -= 8
        bytes.append(UInt8(bits >> bitCount & 0xFF))
        bits &= 0xFF
    }
    return bytes
}
