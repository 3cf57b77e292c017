import Bytes
import FuzzSupport
import WebSocket

/// Treats the input as a client's frames to a server's machine.
@c(LLVMFuzzerTestOneInput)
public func check(_ data: UnsafePointer<UInt8>?, _ byteCount: Int) -> CInt {
    var input = unsafe FuzzInput(data, byteCount)
    let limits = ConnectionMachine.Limits(
        maxMessageBytes: input.random.pick(0, 1, 5, 125, 126, 1_000, 65_536, 1 << 20),
        maxFragments: input.random.pick(1, 2, 4, 1_000))
    let received = input.random.sameHoweverCut(input.bytes) { Received($0, by: ConnectionMachine(), limits) }
    for event in received.events { check(event, limits) }
    checkEcho(received.events)
    checkClose(String(decoding: input.bytes, as: UTF8.self))
    for violation in received.violations {
        expect(CloseCode.isAllowedOnWire(violation.closeCode.rawValue), "a close code that must not be sent")
        expect(!violation.reason.isEmpty, "a violation without a reason")
    }
    return 0
}

private func check(_ event: ConnectionMachine.Event, _ limits: ConnectionMachine.Limits) {
    switch event {
    case .text(let bytes):
        expect(String(validating: bytes, as: UTF8.self) != nil, "text that is not UTF-8")
        expect(bytes.count <= limits.maxMessageBytes, "a text of \(bytes.count) bytes")
    case .binary(let bytes):
        expect(bytes.count <= limits.maxMessageBytes, "a message of \(bytes.count) bytes")
    case .fragment: break
    case .ping(let bytes), .pong(let bytes):
        expect(bytes.count <= FrameEncoder.maxControlPayloadBytes, "a control frame of \(bytes.count) bytes")
    case .close(let frame):
        guard let frame else { return }
        expect(CloseCode.isAllowedOnWire(frame.code.rawValue), "close code \(frame.code.rawValue)")
        expect(frame.reason.utf8.count <= 123, "a reason of \(frame.reason.utf8.count) bytes")
    }
}

/// The server sends the events back, and the client must receive the same.
private func checkEcho(_ events: [ConnectionMachine.Event]) {
    var frames: [UInt8] = []
    for event in events {
        switch event {
        case .text(let bytes): FrameEncoder.appendFrame(.text, bytes.rawSpan, to: &frames)
        case .binary(let bytes): FrameEncoder.appendFrame(.binary, bytes.rawSpan, to: &frames)
        case .fragment: break
        case .ping(let bytes): FrameEncoder.appendFrame(.ping, bytes.rawSpan, to: &frames)
        case .pong(let bytes): FrameEncoder.appendFrame(.pong, bytes.rawSpan, to: &frames)
        case .close(let frame?): FrameEncoder.appendClose(frame.code, reason: frame.reason, to: &frames)
        case .close(nil): FrameEncoder.appendFrame(.close, RawSpan(), to: &frames)
        }
    }
    let echo = receivedByClient(frames)
    expectEqual(echo.events, events, "what a client gets back")
    expectEqual(echo.violations, [], "what a client objects to")
}

/// A reason of any length is shortened to fit a Close frame, never inside a character.
private func checkClose(_ reason: String) {
    var frame: [UInt8] = []
    FrameEncoder.appendClose(.goingAway, reason: reason, to: &frame)
    guard case .close(let close?)? = receivedByClient(frame).events.first else {
        return expect(false, "no Close frame")
    }
    let sent = close.reason.utf8
    expect(reason.utf8.starts(with: sent) && (120...123).contains(sent.count) || sent.elementsEqual(reason.utf8), "cut")
}

private func receivedByClient(_ frames: [UInt8]) -> Received {
    let limits = ConnectionMachine.Limits(maxMessageBytes: 1 << 20, maxFragments: 1)
    return Received([frames], by: ConnectionMachine(role: .client), limits)
}
