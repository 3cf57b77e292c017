internal import Channels
internal import Protocols
internal import WSLoop

/// The open traces whose streams are on one loop: sends them what all loops report.
///
/// A client that does not read loses events, and is told how many.
final class TraceStreams {
    /// The most traces of a loop; further ones are refused.
    private static let maxOpen = 8
    /// While so much is queued for a trace, its events are left out.
    private static let maxQueuedBytes = 65_536

    private struct Trace {
        let key: StreamKey
        var lost = 0
    }

    private let context: LoopContext
    private let table: ConnectionTable
    private let streams: StreamExchange
    private var traces: [UInt32: Trace] = [:]
    private var lastNumber: UInt32 = 0

    init(_ context: LoopContext, _ connections: Connections) {
        self.context = context
        table = connections.table
        streams = connections.streams
    }

    var isFull: Bool { traces.count >= TraceStreams.maxOpen }

    /// Begins a trace in a stream that has been opened.
    func begin(_ connection: Connection, _ filter: TraceFilter) {
        lastNumber &+= 1
        traces[lastNumber] = Trace(key: connection.key)
        tellLoops(.begin(TraceTicket(loop: context.index, number: lastNumber), filter))
    }

    /// A loop has something for a trace.
    func take(_ report: TraceReport, of number: UInt32) {
        guard let connection = stream(of: number) else { return end(number) }
        switch report {
        case .lost(let count): traces[number]?.lost += count
        case .event(let text):
            guard hasRoom(connection) else {
                traces[number]?.lost += 1
                return
            }
            tellLost(number, connection)
            streams.send(EventStream.message(text), to: connection)
        }
    }

    /// Ends the traces whose clients have gone, and tells others what they have lost.
    func tick() {
        for number in traces.keys {
            guard let connection = stream(of: number) else { end(number); continue }
            if hasRoom(connection) { tellLost(number, connection) }
        }
    }

    private func tellLost(_ number: UInt32, _ connection: Connection) {
        guard let count = traces[number]?.lost, count > 0 else { return }
        traces[number]?.lost = 0
        streams.send(EventStream.message(Array(#"{"event":"lost","events":\#(count)}"#.utf8)), to: connection)
    }

    private func hasRoom(_ connection: Connection) -> Bool {
        context.hub.queuedReplyBytes(of: connection.slot) <= TraceStreams.maxQueuedBytes
    }

    private func stream(of number: UInt32) -> Connection? {
        guard let key = traces[number]?.key, let connection = table[key], connection.phase == .streaming else {
            return nil
        }
        return connection
    }

    private func end(_ number: UInt32) {
        guard traces.removeValue(forKey: number) != nil else { return }
        tellLoops(.end(TraceTicket(loop: context.index, number: number)))
    }

    private func tellLoops(_ change: TraceChange) {
        for loop in 0..<context.state.workers { context.post(.trace(change), to: loop) }
    }
}

@available(*, unavailable)
extension TraceStreams: Sendable {}
