import Bytes
public import WebSocket

/// All that a machine makes of one connection's input.
public struct Received: Equatable {
    /// The events in order.
    public private(set) var events: [ConnectionMachine.Event] = []
    /// What ended the connection.
    public private(set) var violation: ProtocolViolation?

    /// Gives `pieces` to `machine`, and checks that it uses them up and is silent after a Close frame or a violation.
    public init(
        _ pieces: [[UInt8]], by machine: consuming ConnectionMachine, _ limits: ConnectionMachine.Limits
    ) {
        for piece in pieces {
            var offset = 0
            do throws(ProtocolViolation) {
                while let event = try machine.receive(piece.rawSpan, from: &offset, limits: limits) {
                    expect(!isOver, "\(event) after the end")
                    events.append(event)
                }
                expectEqual(offset, piece.count, "no event, but input is left")
            } catch {
                expect(!isOver, "\(error) after the end")
                violation = error
                offset = 0
                let again = try? machine.receive(piece.rawSpan, from: &offset, limits: limits)
                expect(again == nil, "an event after \(error)")
            }
        }
    }

    private var isOver: Bool {
        if case .close = events.last { return true }
        return violation != nil
    }
}
