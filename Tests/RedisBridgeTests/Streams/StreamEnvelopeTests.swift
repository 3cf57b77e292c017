import Broker
import Bytes
import Testing

@testable import RedisBridge

struct StreamEnvelopeTests {
    private func parse(_ text: String) -> StreamEnvelope? { StreamEnvelope(Array(text.utf8).rawSpan) }

    @Test func aNumberedMessageIsRead() throws {
        let text = "\0pushd1 m 1796035063537650 12 1796035063549508 3\nkeyhello"
        let envelope = try #require(parse(text))
        #expect(envelope.kind == .message)
        #expect(envelope.epoch == 1_796_035_063_537_650 && envelope.offset == 12)
        #expect(envelope.timeMicroseconds == 1_796_035_063_549_508 && envelope.key == "key")
        #expect(text.utf8.dropFirst(envelope.payloadStart).elementsEqual("hello".utf8))
    }

    @Test func attributesAreRead() throws {
        let text = "\0pushd1 m 1 2 3 3 10\nkeyynew\nxabc\nhello"
        let envelope = try #require(parse(text))
        #expect(envelope.key == "key" && envelope.attributes.excluded == "abc")
        #expect(text.utf8.dropFirst(envelope.payloadStart).elementsEqual("hello".utf8))
    }

    /// A combining mark would be one `Character` with the letter before it.
    @Test(arguments: ["abc", "\u{301}"])
    func aConnectionIsExcluded(_ name: String) {
        let sent = StreamEnvelope.plain(Publication(channel: "c", payload: [1], excluded: name))
        let parsed = StreamEnvelope(sent.rawSpan)
        #expect(parsed?.attributes.excluded == name && parsed?.key == nil)
        #expect(Array(sent.dropFirst(parsed?.payloadStart ?? 0)) == [1])
    }

    @Test(arguments: [
        "", "hello", "\0pushd1 m 1 2 3 0 1\n", "\0pushd1 m 1 2 3 0 \n",
        "\0pushd1 m 1 2 3 1 1\nx", "\0pushd", "\0pushd1 ", "\0pushd1 m", "\0pushd1 x 1 2 3 0\n", "\0pushd1 m 1 2 3 1\n",
        "\0pushd1 m  2 3 0\n", "\0pushd1 m 1 2 3 0", "\0pushd1 m 1 2 3 -1\nx", "\0pushd1 m 1234567890123456789 2 3 0\n",
        "\0pushd2 m 1 2 3 0\n",
    ])
    func everythingElseIsAPayload(_ text: String) {
        #expect(parse(text) == nil)
    }

    @Test func aPlainMessageStaysPlain() {
        let publication = Publication(channel: "c", payload: Array("hello".utf8))
        #expect(StreamEnvelope.plain(publication) == Array("hello".utf8))
    }

    /// Nobody who may only publish a payload can make nodes believe a number or a key.
    @Test(arguments: [nil, "k", "ключ"])
    func aPayloadThatLooksLikeAnEnvelopeIsWrapped(_ key: String?) throws {
        let payload = Array("\0pushd1 m 1 2 3 0\nx".utf8)
        let sent = StreamEnvelope.plain(Publication(channel: "c", payload: payload, key: key))
        let parsed = StreamEnvelope(sent.rawSpan)
        let envelope = try #require(parsed)
        #expect(envelope.kind == .plain && envelope.key == key)
        #expect(Array(sent.dropFirst(envelope.payloadStart)) == payload)
    }
}
