/// The times that all connections of a server share, in ticks of the timing wheel.
struct Timeouts {
    /// For a whole request, or a proxy's header.
    var request: UInt32
    /// For the next request on a connection that is kept.
    var keepAlive: UInt32
    /// Until a silent WebSocket is pinged.
    var ping: UInt32
    /// Until it must have been heard from after that.
    var pong: UInt32
    /// For how long a peer may take nothing of what waits for it.
    var stall: UInt32
    /// Until a connection whose answer waits for another server is looked at again.
    var answer = DeadlineWheel.ticks(.seconds(2))
    /// How long a closing peer may stand still: with unread bytes, or without its Close frame.
    var close = DeadlineWheel.ticks(.seconds(5))
    /// How long a peer may be silent that has been sent everything.
    var linger = DeadlineWheel.ticks(.seconds(1))
    /// How long each of both may take in all.
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
    }
}
