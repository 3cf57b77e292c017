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
        /// The loops that do not report yet; the client gets its response when there is none.
        var silentLoops: Int
        var lost = 0
    }

    private let context: LoopContext
    private let table: ConnectionTable
    private let streams: StreamExchange
    private let http: HTTPExchange
    private let commands: CommandRunner
    private var traces: [UInt32: Trace] = [:]
    private var lastNumber: UInt32 = 0

    init(_ context: LoopContext, _ connections: Connections, _ commands: CommandRunner) {
        self.context = context
        table = connections.table
        streams = connections.streams
        http = connections.http
        self.commands = commands
    }

    var isFull: Bool { traces.count >= TraceStreams.maxOpen }

    /// Begins a trace: answers the request with a stream as soon as all loops report.
    func begin(_ filter: TraceFilter, for connection: Connection) -> EndpointAnswer {
        lastNumber &+= 1
        let number = lastNumber
        traces[number] = Trace(key: connection.key, silentLoops: context.state.workers)
        tellLoops(.begin(TraceTicket(loop: context.index, number: number), filter))
        connection.wait(for: Continuation(endsWithPeer: true) { [unowned self] in end(number) })
        return .later
    }

    /// A loop has something for a trace.
    func take(_ report: TraceReport, of number: UInt32) {
        switch report {
        case .begun: begun(number)
        case .lost(let count): traces[number]?.lost += count
        case .event(let text):
            guard let connection = stream(of: number) else { return }
            guard hasRoom(connection) else {
                traces[number]?.lost += 1
                return
            }
            tellLost(number, connection)
            streams.send(EventStream.message(text), to: connection)
        }
    }

    private func begun(_ number: UInt32) {
        guard let silent = traces[number]?.silentLoops, let key = traces[number]?.key else { return }
        traces[number]?.silentLoops = silent - 1
        guard silent == 1 else { return }
        commands.answered(key) { [http] in http.perform(.stream { _ in }, $0) }
    }

    /// Ends the traces whose clients have gone, and tells others what they have lost.
    func tick() {
        for (number, trace) in traces where trace.silentLoops == 0 {
            if let connection = stream(of: number) {
                if hasRoom(connection) { tellLost(number, connection) }
            } else {
                end(number)
            }
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
