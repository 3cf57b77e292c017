internal import Glibc
internal import WSLoop

/// Why an attempt failed or a link was lost.
struct RedisLinkFailure: Error {
    /// In words.
    var reason: String
    /// The next attempt may come soon: this one cost Redis nothing, since nobody listened, or next to nothing.
    var isCheap = false
    /// Redis has closed the connection in the middle of a reply.
    var isCutMidReply = false

    init(_ reason: String, isCheap: Bool = false, isCutMidReply: Bool = false) {
        (self.reason, self.isCheap, self.isCutMidReply) = (reason, isCheap, isCutMidReply)
    }

    init(errno code: Int32) {
        self.init(.system(errno: code))
    }

    init(_ failure: ClientStream.Failure) {
        reason = failure.description
        guard case .system(let code) = failure else { return }
        isCheap = code == ECONNREFUSED || code == ENOENT
    }

    /// The failure with the address at which it happened.
    func at(_ address: some CustomStringConvertible) -> RedisLinkFailure {
        var failure = self
        failure.reason = "\(address): \(reason)"
        return failure
    }
}
