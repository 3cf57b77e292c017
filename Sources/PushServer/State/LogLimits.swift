/// Limits log lines about clients, separately for each kind; safe on any thread.
struct LogLimits: ~Copyable, Sendable {
    /// Refused handshakes.
    let refusals = LineLimit()
    let unknownParameters = LineLimit()
    let unknownSubprotocols = LineLimit()
    /// Connections that were closed because of the inbound budget.
    let inboundShed = LineLimit()
    let unreadableRequests = LineLimit()
    /// Messages of histories that are gone.
    let losses = LineLimit()
}
