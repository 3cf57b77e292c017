import Bytes
public import WebSocket

/// Everything that a machine returns for one connection's input.
public struct Received: Equatable {
    /// The events in order.
    public private(set) var events: [ConnectionMachine.Event] = []
    /// The violations: usually at most one, but after a message that is too big another may follow.
    public private(set) var violations: [ProtocolViolation] = []

    /// Feeds `pieces` to `machine` and checks that it consumes them.
    public init(
        _ pieces: [[UInt8]], by machine: consuming ConnectionMachine, _ limits: ConnectionMachine.Limits
    ) {
        for piece in pieces {
            var offset = 0
            repeat {
                do throws(ProtocolViolation) {
                    while let event = try machine.receive(piece.rawSpan, from: &offset, limits: limits) { take(event) }
                    expectEqual(offset, piece.count, "no event, but input is left")
                } catch {
                    take(error)
                }
            } while offset < piece.count
        }
    }

    /// After a message that was too big, only the peer's Close frame counts.
    private mutating func take(_ event: ConnectionMachine.Event) {
        // The number of fragment events depends on how the sender split the message.
        guard event != .fragment else { return }
        expect(!isOver, "\(event) after the end")
        if !violations.isEmpty, !event.isClose { expect(false, "\(event) after \(violations)") }
        events.append(event)
    }

    private mutating func take(_ violation: ProtocolViolation) {
        expect(!isOver, "\(violation) after the end")
        expect(violations.isEmpty || violation.failsConnection, "\(violation) after \(violations)")
        violations.append(violation)
    }

    /// After a Close frame or a violation that fails the connection, nothing may follow.
    private var isOver: Bool {
        events.last?.isClose == true || violations.last?.failsConnection == true
    }
}

extension ConnectionMachine.Event {
    fileprivate var isClose: Bool {
        if case .close = self { true } else { false }
    }
}
