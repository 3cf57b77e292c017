import FuzzSupport
import HTTP
import TestSupport

@testable import WebSocket

/// permessage-deflate: treats the input as frames, as compressed messages, as a message to compress, and as an offer.
@c(LLVMFuzzerTestOneInput)
public func check(_ data: UnsafePointer<UInt8>?, _ byteCount: Int) -> CInt {
    var input = unsafe FuzzInput(data, byteCount)
    checkFrames(&input)
    checkMessages(&input)
    checkRoundTrip(&input)
    checkOffer(input.bytes)
    return 0
}

/// Treats the input as frames on a connection with compression.
private func checkFrames(_ input: inout FuzzInput) {
    let limits = ConnectionMachine.Limits(
        maxMessageBytes: input.random.pick(0, 1, 125, 1_000, 65_536), maxFragments: input.random.pick(1, 4, 1_000))
    for keepsContext in [false, true] {
        for event in receive(input.bytes, keepsContext, limits, &input.random).events {
            switch event {
            case .text(let bytes):
                expect(String(validating: bytes, as: UTF8.self) != nil, "text that is not UTF-8")
                expect(bytes.count <= limits.maxMessageBytes, "a text of \(bytes.count) bytes")
            case .binary(let bytes):
                expect(bytes.count <= limits.maxMessageBytes, "a message of \(bytes.count) bytes")
            case .fragment, .ping, .pong, .close: break
            }
        }
    }
}

/// Treats the input as a compressor's output: messages end with a sync flush and may refer back to earlier ones.
private func checkMessages(_ input: inout FuzzInput) {
    let limits = ConnectionMachine.Limits(maxMessageBytes: input.random.pick(5_000, 65_536), maxFragments: 1_000)
    let payloads = input.bytes.split(separator: Deflater.tail, maxSplits: 7, omittingEmptySubsequences: false)
        .map { Array($0) }
    let frames = payloads.flatMap { clientFrames(0x2, $0, isCompressed: true, &input.random) }
    for keepsContext in [false, true] {
        let received = receive(frames, keepsContext, limits, &input.random)
        var naive = NaiveInflater()
        var messages: [ConnectionMachine.Event] = []
        var violation: ProtocolViolation?
        do throws(ProtocolViolation) {
            for payload in payloads {
                if !keepsContext { naive = NaiveInflater() }
                messages.append(.binary(try naive.inflate(payload, maxBytes: limits.maxMessageBytes)))
            }
        } catch {
            violation = error
        }
        expectEqual(received.violations, violation.map { [$0] } ?? [], "what is wrong with a message")
        expectEqual(received.events.filter { $0 != .ping(Array("ping".utf8)) }, messages, "the messages")
    }
}

/// An inflater without context is shared: one connection's input must not affect the next connection.
private func receive(
    _ frames: [UInt8], _ keepsContext: Bool, _ limits: ConnectionMachine.Limits, _ random: inout SeededGenerator
) -> Received {
    let shared = Inflater()
    return random.sameHoweverCut(frames) { pieces in
        let inflater = keepsContext ? Inflater(keepsContext: true) : shared
        return Received(pieces, by: ConnectionMachine(inflater: inflater), limits)
    }
}
