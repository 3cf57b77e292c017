/// The times that all connections of a server share, in ticks of the timing wheel.
struct Timeouts {
    /// For a complete request, or a proxy's header.
    var request: UInt32
    /// For the next request on a keep-alive connection.
    var keepAlive: UInt32
    /// Until a silent WebSocket is pinged.
    var ping: UInt32
    /// For an answer to that ping.
    var pong: UInt32
    /// For a peer that reads nothing of its queue.
    var stall: UInt32
    /// Until a connection whose response waits for another server is checked again.
    var answer = DeadlineWheel.ticks(.seconds(2))
    /// Between two comments in a stream.
    var comment = DeadlineWheel.ticks(.seconds(15))
    /// For a closing peer that makes no progress, with unread bytes or without its Close frame.
    var close = DeadlineWheel.ticks(.seconds(5))
    /// How long to wait for the peer's end after everything was sent.
    var linger = DeadlineWheel.ticks(.seconds(1))
    /// How long each of these two steps may take in total.
    var patience = DeadlineWheel.ticks(.seconds(10))
}

extension Timeouts {
    init(_ configuration: ServerConfiguration) {
        self.init(
            request: DeadlineWheel.ticks(configuration.handshakeTimeout),
            keepAlive: DeadlineWheel.ticks(configuration.keepAlive),
            ping: DeadlineWheel.ticks(configuration.pingInterval),
            pong: DeadlineWheel.ticks(configuration.pongTimeout),
            stall: DeadlineWheel.ticks(configuration.stallTimeout))
        comment = min(comment, ping)
    }
}
