import Bytes
import Synchronization
import TestSupport
import Testing
import WebSocket

@testable import Channels

private func frame(_ payload: [UInt8], _ form: WireForm = WireForm()) -> [UInt8] {
    var bytes: [UInt8] = [0xEE]
    var writer = FrameWriter(encoders: NamingEncoder.encoders)
    let message = Message(channel: "c", payload: payload, receivedNanoseconds: 7)
    writer.append(message, form, to: &bytes)
    #expect(bytes.first == 0xEE, "what was there before stays")
    return Array(bytes.dropFirst())
}

@Suite struct MessageTests {
    @Test(arguments: ["", "hello", "чат 😀", "{\"a\":1}", "\u{0}\n"])
    func textTravelsVerbatimInATextFrame(text: String) {
        #expect(frame(Array(text.utf8)) == textFrame(text))
    }

    @Test(arguments: [[0xFF], [0x61, 0x80], [0xC0, 0x80], [0xED, 0xA0, 0x80], [0xE2, 0x82]] as [[UInt8]])
    func otherBytesTravelVerbatimInABinaryFrame(payload: [UInt8]) {
        #expect(frame(payload) == serverFrame(2, payload))
    }

    @Test func whatAnEncoderWritesIsText() {
        #expect(frame([0xFF], .naming()) == textFrame("c: \u{FFFD}"))
    }

    @Test(arguments: [[], [0x61], [0xFF]] as [[UInt8]]) func whatABareEncoderWritesHasNoFrame(payload: [UInt8]) {
        var writer = FrameWriter(encoders: [nil, NamingEncoder(), NamingEncoder(isFramed: false)])
        let message = Message(channel: "c", payload: payload, receivedNanoseconds: 7)
        var bytes: [UInt8] = []
        writer.append(message, .bare, to: &bytes)
        #expect(bytes == Array(NamingEncoder.text("c", String(decoding: payload, as: UTF8.self)).utf8))
        bytes = []
        writer.append(message, .naming(), to: &bytes)
        #expect(bytes == textFrame(NamingEncoder.text("c", String(decoding: payload, as: UTF8.self))))
    }

    @Test(arguments: [122, 123, 65_532, 65_533, 65_535, 65_536])
    func longPayloads(count: Int) {
        let text = String(repeating: "x", count: count)
        #expect(frame(Array(text.utf8)) == textFrame(text))
        #expect(frame(Array(text.utf8), .naming()) == textFrame("c: " + text))
    }

    /// Each encoder is called once, however many loops ask for any form in any order.
    @Test(arguments: 1...20 as ClosedRange<UInt64>)
    func theFramesAreThoseOfANaiveComposition(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        let counting = [CountingEncoder(mark: 1), CountingEncoder(mark: 2)]
        var loops = (0..<3).map { _ in FrameWriter(encoders: [nil] + counting) }
        let isText = random.chance(70)
        let payload = (0..<Int.random(in: 0...2_000, using: &random)).map { _ in
            UInt8.random(in: isText ? 0x61...0x68 : 0...255, using: &random)
        }
        let message = Message(channel: "c", payload: payload, receivedNanoseconds: 0)
        var used: Set<Int> = []
        for _ in 0..<30 {
            let encoder = Int.random(in: 0..<3, using: &random)
            let window = ([nil, .bits9, .bits12] as [DeflateWindow?]).randomElement(using: &random) ?? nil
            let loop = Int.random(in: 0..<3, using: &random)
            used.insert(encoder)
            var bytes: [UInt8] = []
            loops[loop].append(message, WireForm(encoder: encoder, deflated: window), to: &bytes)
            let opcode: UInt8 = encoder > 0 || String(validating: payload, as: UTF8.self) != nil ? 1 : 2
            #expect(bytes == naiveFrame(opcode, encoder == 0 ? payload : [UInt8(encoder)] + payload, window))
        }
        for (index, encoder) in counting.enumerated() {
            #expect(encoder.calls.load(ordering: .relaxed) == (used.contains(index + 1) ? 1 : 0))
        }
    }
}

private func naiveFrame(_ opcode: UInt8, _ text: [UInt8], _ window: DeflateWindow?) -> [UInt8] {
    if let window, text.count >= Deflater.thresholdBytes,
        let deflated = Deflater(window: window)?.deflate(text.rawSpan)
    {
        return serverFrame(0x40 | opcode, deflated)
    }
    return serverFrame(opcode, text)
}

/// Puts its mark before the payload.
private final class CountingEncoder: MessageEncoder {
    let mark: UInt8
    let calls = Atomic(0)

    init(mark: UInt8) { self.mark = mark }

    func encode(_ message: Message, into text: inout [UInt8]) {
        calls.add(1, ordering: .relaxed)
        text += [mark] + message.payload
    }

    func encode(_ notice: DeliveryNotice, of channel: String, into text: inout [UInt8]) -> Bool { false }
}
