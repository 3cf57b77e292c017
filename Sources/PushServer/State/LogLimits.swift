/// How often what clients cause is logged, each kind by itself; safe from any thread.
struct LogLimits: ~Copyable, Sendable {
    /// Handshakes that were refused.
    let refusals = LineLimit()
    let unknownParameters = LineLimit()
    let unknownSubprotocols = LineLimit()
    /// Connections that were closed for the inbound budget.
    let inboundShed = LineLimit()
    let unreadableRequests = LineLimit()
}
