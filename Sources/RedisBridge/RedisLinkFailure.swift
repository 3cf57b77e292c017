internal import Glibc
internal import WSLoop

/// Why an attempt failed or a link was lost.
struct RedisLinkFailure: Error {
    /// The kind of cause, which decides how soon the next attempt comes and what is logged.
    enum Kind {
        case other
        /// The attempt cost Redis almost nothing: connection refused, or Redis is loading its data.
        case cheap
        /// Redis itself gave the reason, which also cost it almost nothing.
        case told
        /// The server is a replica, but a master is needed.
        case replica
        /// Redis closed or reset the connection.
        case closed
        /// Redis closed the connection in the middle of a reply.
        case cutMidReply
    }

    /// The reason in words.
    var reason: String
    var kind: Kind
    /// The longest time until the next attempt; nil if it has begun or waits for something else.
    var retryMilliseconds: UInt64?

    init(_ reason: String, _ kind: Kind = .other) {
        (self.reason, self.kind) = (reason, kind)
    }

    init(errno code: Int32) {
        self.init(.system(errno: code))
    }

    init(_ failure: ClientStream.Failure) {
        self.init(failure.description)
        guard case .system(let code) = failure else { return }
        if code == ECONNREFUSED || code == ENOENT { kind = .cheap }
    }

    /// Whether the next attempt may come soon.
    var isCheap: Bool { kind == .cheap || isTold }

    /// Whether Redis itself gave the reason.
    var isTold: Bool { kind == .told || kind == .replica }

    /// The failure with the address where it happened.
    func at(_ address: some CustomStringConvertible) -> RedisLinkFailure {
        var failure = self
        failure.reason = "\(address): \(reason)"
        return failure
    }
}
