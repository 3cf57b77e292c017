internal import Glibc
internal import WSLoop

/// Why an attempt failed or a link was lost.
struct RedisLinkFailure: Error {
    /// What is known of the cause: it decides how soon the next attempt comes, and what is logged.
    enum Kind {
        case other
        /// The attempt cost Redis next to nothing: nobody listened, or it loads its data.
        case cheap
        /// Redis itself has said why, which cost it next to nothing, too.
        case told
        /// The server is a replica, and a master is needed.
        case replica
        /// Redis has closed the connection, or has reset it.
        case closed
        /// It has done so in the middle of a reply.
        case cutMidReply
    }

    /// In words.
    var reason: String
    var kind: Kind
    /// The next attempt comes within this time; nil if it has begun, or waits for something else.
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

    /// The next attempt may come soon.
    var isCheap: Bool { kind == .cheap || isTold }

    /// The reason comes from Redis, which knows it.
    var isTold: Bool { kind == .told || kind == .replica }

    /// The failure with the address at which it happened.
    func at(_ address: some CustomStringConvertible) -> RedisLinkFailure {
        var failure = self
        failure.reason = "\(address): \(reason)"
        return failure
    }
}
