import FuzzSupport
import WebSocket

/// Frames as a client sends them, to a machine in the server's role.
@c(LLVMFuzzerTestOneInput)
public func check(_ data: UnsafePointer<UInt8>?, _ byteCount: Int) -> CInt {
    var input = unsafe FuzzInput(data, byteCount)
    let limits = ConnectionMachine.Limits(
        maxMessageBytes: input.random.pick(0, 1, 5, 125, 126, 1_000, 65_536, 1 << 20),
        maxFragments: input.random.pick(1, 2, 4, 1_000))
    let received = input.random.sameHoweverCut(input.bytes) { Received($0, by: ConnectionMachine(), limits) }
    for event in received.events { check(event, limits) }
    if let violation = received.violation {
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
    case .ping(let bytes), .pong(let bytes):
        expect(bytes.count <= FrameEncoder.maxControlPayloadBytes, "a control frame of \(bytes.count) bytes")
    case .close(let frame):
        guard let frame else { return }
        expect(CloseCode.isAllowedOnWire(frame.code.rawValue), "close code \(frame.code.rawValue)")
        expect(frame.reason.utf8.count <= 123, "a reason of \(frame.reason.utf8.count) bytes")
    }
}
