import Bytes
import FuzzSupport

@testable import Channels
@testable import WebSocket

/// A compressed message is smaller, decompresses to itself, and refers back no further than the window.
func checkRoundTrip(_ input: inout FuzzInput) {
    // Often above the threshold for compression, and sometimes above the largest window.
    let isLong = Int.random(in: 0..<32, using: &input.random) == 0
    let repeats = 1 + (isLong ? 40_000 : input.random.pick(0, 256, 1_000)) / max(input.bytes.count, 1)
    let message = [[UInt8]](repeating: input.bytes, count: repeats).flatMap { $0 }
    guard let window = DeflateWindow.allCases.randomElement(using: &input.random) else { return }
    let deflater = expectSome(Deflater(window: window), "no memory")
    guard let compressed = deflater.deflate(message.rawSpan) else { return }
    expect(compressed.count < message.count, "\(compressed.count) bytes for \(message.count)")
    expectEqual(deflater.deflate(message.rawSpan), compressed, "the same message again")
    var naive = NaiveInflater()
    naive.windowBytes = 1 << Int(window.rawValue)
    expectEqual(try? naive.inflate(compressed, maxBytes: message.count), message, "within \(window)")
    checkLimit(compressed, message)
    checkPublished(message, window)
}

private func checkLimit(_ compressed: [UInt8], _ message: [UInt8]) {
    expectEqual(try? Inflater().inflate(compressed.rawSpan, maxBytes: message.count), message, "at the limit")
    do throws(ProtocolViolation) {
        _ = try Inflater().inflate(compressed.rawSpan, maxBytes: message.count - 1)
        expect(false, "a message over the limit")
    } catch {
        expectEqual(error, .messageTooBig, "a message over the limit")
    }
}

/// Checks the frame that a subscriber with this window gets.
private func checkPublished(_ payload: [UInt8], _ window: DeflateWindow) {
    let message = Message(channel: "c", payload: payload, receivedNanoseconds: 0)
    var writer = FrameWriter()
    var frame: [UInt8] = []
    writer.append(message, WireForm(deflated: window), to: &frame)
    let limits = ConnectionMachine.Limits(maxMessageBytes: payload.count, maxFragments: 1)
    let received = Received([frame], by: ConnectionMachine(role: .client, inflater: Inflater()), limits)
    expectEqual(received.events, [message.isText ? .text(payload) : .binary(payload)], "what is published")
}
