internal import Access
internal import Bytes
internal import Channels
internal import Protocols
internal import WSLoop
internal import WebSocket

/// Responses without an end to the clients of a loop: opens them, sends what belongs to no channel, and ends them.
///
/// Messages of channels reach a stream as they reach a WebSocket: its client is a subscriber of the hub.
final class StreamExchange {
    /// After how many milliseconds clients come back: different for each, so that they do not come all at once.
    private static let retry = (usual: 1000...3000, atDrain: 1000...5000)

    private let context: LoopContext
    private let lives: ConnectionLives
    private let closing: Closing
    private let rates: MessageRates

    init(_ context: LoopContext, _ lives: ConnectionLives, _ closing: Closing, _ rates: MessageRates) {
        self.context = context
        self.lives = lives
        self.closing = closing
        self.rates = rates
    }

    /// Turns an HTTP connection into a stream, after the head of its response.
    func open(_ connection: Connection, inGzip: Bool) {
        connection.dropRequests()
        rates.forget(connection)  // the request does not count as a message
        connection.openedTick = context.tick
        lives.tell(.streamBegun, connection)
        limitSilence(of: connection)
        if inGzip {
            context.hub.setForm(WireForm(deflated: .bits12), of: connection.slot)
            context.hub.reply(connection.slot) { $0.append(contentsOf: GzipBody.header) }
        }
        send(EventStream.retry(afterMilliseconds: .random(in: StreamExchange.retry.usual)), to: connection)
    }

    /// Makes a stream bring the messages of channels: its client, which has a place, is one of them from now on.
    func join(_ connection: Connection, _ start: StreamStart) {
        connection.isClient = true
        lives.follow(connection)  // for the end of its token
        let (stream, cursor) = (start.stream, start.cursor)
        let window = context.hub.form(of: connection.slot).window
        context.hub.setForm(
            WireForm(encoder: ClientProtocols.index(of: stream), deflated: window), of: connection.slot)
        if stream == .numbered {
            let numbers = EventNumbers(from: cursor, takesOthers: !start.hasWildcard)
            context.hub.setPrefix(numbers, of: connection.slot)
        }
        context.counters.streams += 1
        if cursor.count > 0, stream != .joined { send(EventStream.start(at: cursor), to: connection) }
        context.enter(connection, start.channels, after: start.histories, as: .streaming) {
            announce($0, start, connection)
        }
    }

    /// Tells a client what it gets of a history if its URL has asked, and in any case what it does not get.
    private func announce(_ event: ConnectionEvent, _ start: StreamStart, _ connection: Connection) {
        guard case .subscribed(let channel, let history) = event else { return tell(event, connection) }
        if start.announced.contains(ByteName(channel)) { tell(event, connection) }
        if history.isRecovered == false { send(EventStream.gap(in: channel, history), to: connection) }
    }

    /// A client that is gone acknowledges nothing, and that is all that shows it: it never sends anything.
    private func limitSilence(of connection: Connection) {
        guard !connection.peer.contains(.unixSocket) else { return }
        let ticks = UInt64(context.settings.timeouts.stall)
        Socket.limitUnacknowledgedTime(
            connection.descriptor, milliseconds: Int32(clamping: ticks * DeadlineWheel.tickMilliseconds))
    }

    /// Drops what a stream's client sends.
    ///
    /// It counts as a message, so that a client that sends without an end is ended by its rate.
    func drop(_ input: RawSpan, _ offset: inout Int, _ connection: Connection) {
        offset = input.byteCount
        if !rates.admits(units: 1, of: connection) { end(connection, .tooManyMessages) }
    }

    func comment(_ connection: Connection) { send(EventStream.comment, to: connection) }

    /// Tells a client what happens to its connection.
    func tell(_ event: ConnectionEvent, _ connection: Connection) { send(EventStream.text(for: event), to: connection) }

    /// Ends a stream with an event that says why.
    func end(_ connection: Connection, _ reason: CloseReason) {
        guard let (code, text) = reason.closeFrame else { return }
        end(connection, code, text, reason)
    }

    /// Ends a stream with an event that has a code and a text.
    func end(_ connection: Connection, _ code: CloseCode, _ text: String, _ reason: CloseReason) {
        guard connection.phase == .streaming else { return }
        closing.leave(connection)
        if reason == .drain {
            send(EventStream.retry(afterMilliseconds: .random(in: StreamExchange.retry.atDrain)), to: connection)
        }
        send(EventStream.close(code: code.rawValue, reason: text), to: connection)
        closing.begin(connection, reason)
    }

    func send(_ text: [UInt8], to connection: Connection) {
        guard connection.phase == .streaming else { return }
        let isInGzip = context.hub.form(of: connection.slot).window != nil
        context.hub.reply(connection.slot) {
            if isInGzip { GzipBody.append(text.rawSpan, to: &$0) } else { $0.append(contentsOf: text) }
        }
    }
}
