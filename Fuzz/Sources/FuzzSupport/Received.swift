import Bytes
public import WebSocket

/// All that a machine makes of one connection's input.
public struct Received: Equatable {
    /// The events in order.
    public private(set) var events: [ConnectionMachine.Event] = []
    /// What the peer did wrong: mostly one thing, but a message that is too big does not end the connection by itself.
    public private(set) var violations: [ProtocolViolation] = []

    /// Gives `pieces` to `machine` and checks that it uses them up.
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

    /// After a message that was too big only the peer's Close frame is of interest.
    private mutating func take(_ event: ConnectionMachine.Event) {
        // How often it is told that more of a message follows depends on how many frames the sender made of it.
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

    /// A Close frame or a violation that fails the connection has come: nothing may follow.
    private var isOver: Bool {
        events.last?.isClose == true || violations.last?.failsConnection == true
    }
}

extension ConnectionMachine.Event {
    fileprivate var isClose: Bool {
        if case .close = self { true } else { false }
    }
}
