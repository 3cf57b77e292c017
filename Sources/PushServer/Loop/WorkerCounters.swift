internal import Channels
internal import HTTP

/// The sources of published messages.
enum MessageSource: Int, CaseIterable {
    case http, broker, client
}

/// The result of a request to recover messages.
enum RecoveryResult: Int, CaseIterable {
    case recovered, failed
}

/// Why a WebSocket or a stream ended, from the server's view.
enum CloseReason: Int, CaseIterable {
    case client, aborted, protocolError, messageTooBig, slowConsumer, overBudget, stalled, tooManyMessages, pingTimeout,
        drain, tokenExpired, tokenInvalid, revoked, disconnected, refused

    var label: String {
        switch self {
        case .client: "client"
        case .aborted: "aborted"
        case .protocolError: "protocol_error"
        case .messageTooBig: "message_too_big"
        case .slowConsumer: "slow_consumer"
        case .overBudget: "over_budget"
        case .stalled: "stalled"
        case .tooManyMessages: "too_many_messages"
        case .pingTimeout: "ping_timeout"
        case .drain: "drain"
        case .tokenExpired: "token_expired"
        case .tokenInvalid: "token_invalid"
        case .revoked: "revoked"
        case .disconnected: "disconnected"
        case .refused: "refused"
        }
    }
}

/// The result of a request for a WebSocket or a stream.
enum HandshakeResult: Int, CaseIterable {
    case accepted, streaming, badRequest, unauthorized, forbidden, wrongMethod, upgradeRequired, unavailable, other

    init(_ status: HTTPStatus) {
        switch status {
        case .switchingProtocols: self = .accepted
        case .ok: self = .streaming
        case .badRequest: self = .badRequest
        case .unauthorized: self = .unauthorized
        case .forbidden: self = .forbidden
        case .methodNotAllowed: self = .wrongMethod
        case .upgradeRequired: self = .upgradeRequired
        case .serviceUnavailable: self = .unavailable
        default: self = .other
        }
    }

    var label: String {
        switch self {
        case .accepted: "101"
        case .streaming: "200"
        case .badRequest: "400"
        case .unauthorized: "401"
        case .forbidden: "403"
        case .wrongMethod: "405"
        case .upgradeRequired: "426"
        case .unavailable: "503"
        case .other: "other"
        }
    }
}

/// The counters of one worker.
///
/// The worker counts in its own copy and publishes that once per turn, before the turn's output is sent. So a client
/// that sees an effect can also see it counted (except for deliveries and drops, which are known only after the flush),
/// and counting needs no atomic operations. The arrays have fixed sizes, so that a copy allocates nothing.
struct WorkerCounters: Sendable {
    var webSockets = 0
    var streams = 0
    var opened = 0
    var closed: [15 of Int] = .init(repeating: 0)
    var messagesIn: [3 of Int] = .init(repeating: 0)
    var handshakes: [9 of Int] = .init(repeating: 0)
    var deliveries = 0
    var deliveredBytes = 0
    var dropped: [6 of Int] = .init(repeating: 0)
    var droppedByClosing = 0
    var droppedOversized = 0
    var compressions = 0
    /// Messages and pings that were not handled, because they exceeded the rate.
    var messagesOverRate = 0
    /// How often a limit was reached, by `LimitName`.
    var limitHits: [8 of Int] = .init(repeating: 0)
    /// Requests to recover messages, by `RecoveryResult`.
    var recoveries: [2 of Int] = .init(repeating: 0)
    /// Messages of histories that were missed, and read from the broker later.
    var healedMessages = 0
    /// How often messages of a history were gone.
    var historyLosses = 0
    /// Idle HTTP connections closed for lack of descriptors.
    var idleClosed = 0
    /// Connections closed because of invalid input instead of a PROXY protocol header.
    var proxyHeadersRefused = 0
    var tlsHandshakes = 0
    var tlsFailures = 0
    var inboundBytes = 0
    /// Connections closed because of the inbound budget, by `InboundShed`.
    var inboundShed: [4 of Int] = .init(repeating: 0)
    var outboxBytes = 0
    var outboxBytesMax = 0
    var publishToWrite = Histogram()
    var loopLag = Histogram()

    /// Open WebSockets and streams.
    var clients: Int { webSockets + streams }

    mutating func add(_ counts: DeliveryCounts) {
        deliveries += counts.deliveries
        deliveredBytes += counts.sentBytes
        for index in dropped.indices { dropped[index] += counts.dropped[index] }
        droppedByClosing += counts.droppedByClosing
        compressions += counts.compressions
    }

    /// Adds another worker's figures.
    mutating func add(_ other: WorkerCounters) {
        webSockets += other.webSockets
        streams += other.streams
        opened += other.opened
        for index in closed.indices { closed[index] += other.closed[index] }
        for index in messagesIn.indices { messagesIn[index] += other.messagesIn[index] }
        for index in handshakes.indices { handshakes[index] += other.handshakes[index] }
        deliveries += other.deliveries
        deliveredBytes += other.deliveredBytes
        for index in dropped.indices { dropped[index] += other.dropped[index] }
        droppedByClosing += other.droppedByClosing
        droppedOversized += other.droppedOversized
        compressions += other.compressions
        messagesOverRate += other.messagesOverRate
        for index in limitHits.indices { limitHits[index] += other.limitHits[index] }
        for index in recoveries.indices { recoveries[index] += other.recoveries[index] }
        healedMessages += other.healedMessages
        historyLosses += other.historyLosses
        idleClosed += other.idleClosed
        proxyHeadersRefused += other.proxyHeadersRefused
        tlsHandshakes += other.tlsHandshakes
        tlsFailures += other.tlsFailures
        inboundBytes += other.inboundBytes
        for index in inboundShed.indices { inboundShed[index] += other.inboundShed[index] }
        outboxBytes += other.outboxBytes
        outboxBytesMax = max(outboxBytesMax, other.outboxBytesMax)
        publishToWrite.add(other.publishToWrite)
        loopLag.add(other.loopLag)
    }
}

/// A histogram of durations, with buckets from which Prometheus computes quantiles.
struct Histogram: Sendable {
    static let boundsSeconds = [
        0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5,
    ]

    /// One per limit, not cumulative, and one for longer durations.
    private(set) var buckets: [15 of Int] = .init(repeating: 0)
    private(set) var sumSeconds = 0.0

    mutating func observe(seconds: Double) {
        let index = Histogram.boundsSeconds.firstIndex { seconds <= $0 } ?? Histogram.boundsSeconds.count
        buckets[index] += 1
        sumSeconds += seconds
    }

    mutating func add(_ other: Histogram) {
        for index in buckets.indices { buckets[index] += other.buckets[index] }
        sumSeconds += other.sumSeconds
    }
}
