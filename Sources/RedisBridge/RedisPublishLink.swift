public import WSLoop

/// Receives the events of a link that only publishes; called on its loop.
public protocol RedisPublishLinkDelegate: AnyObject {
    /// Messages may be published from now on.
    func publishLinkReady()
    /// Redis could not be reached or was lost; the link tries again.
    func publishLinkFailed(_ reason: String)
}

/// Publishes through one Redis server without subscribing: for programs that only publish.
///
/// It uses one connection and reconnects after every loss. Confined to the loop's thread.
public final class RedisPublishLink {
    private let timer: Timer
    private let link: RedisLink
    private var queue = PublishQueue()
    private weak let delegate: (any RedisPublishLinkDelegate)?

    /// Makes a link that is not started; end it with `stop()`.
    ///
    /// - Parameter tls: required if the endpoint uses TLS.
    public init(
        on loop: Loop, endpoint: RedisEndpoint, tls: TLSContext? = nil, timing: RedisTiming = RedisTiming(),
        delegate: any RedisPublishLinkDelegate
    ) throws(SystemError) {
        timer = try Timer(on: loop)
        link = RedisLink(
            on: loop, servers: endpoint.servers, login: endpoint.login, tls: tls, timing: timing, timer: timer)
        self.delegate = delegate
    }

    /// Starts to connect in the next turn of the loop.
    public func start() {
        link.start(owner: self)
    }

    /// Whether a message of this size would be sent now.
    public func hasRoom(forBytes byteCount: Int) -> Bool { link.isReady && queue.hasRoom(forBytes: byteCount) }

    /// Publishes to a Redis channel, given by its name in Redis.
    ///
    /// - Parameter completion: runs once, on the loop, with the number of Redis clients that got the message; inside
    ///   this call if it fails at once.
    public func publish(
        _ payload: [UInt8], toRedis channel: [UInt8],
        completion: @escaping (Result<Int, RedisPublishFailure>) -> Void
    ) {
        guard link.isReady else { return completion(.failure(.notConnected)) }
        guard queue.hasRoom(forBytes: payload.count) else { return completion(.failure(.overloaded)) }
        queue.sent(byteCount: payload.count) { completion(RedisPublishFailure.outcome($0)) }
        link.send(RedisCommand("PUBLISH", [channel, payload]))
    }

    /// Ends the connection and its timer; pending publishes fail, and the delegate is not called any more.
    public func stop() {
        link.stop()
        timer.close()
        for answered in queue.takeSent() { answered(nil) }
    }
}

extension RedisPublishLink: RedisLinkOwner {
    func linkReady(_ link: RedisLink) { delegate?.publishLinkReady() }

    func link(_ link: RedisLink, received reply: RedisReply) {
        queue.popSent()?(reply)
    }

    func linkLost(_ link: RedisLink, _ failure: RedisLinkFailure) {
        for answered in queue.takeSent() { answered(nil) }
        delegate?.publishLinkFailed(failure.reason)
    }

    func linkFailed(_ link: RedisLink, _ failure: RedisLinkFailure) { delegate?.publishLinkFailed(failure.reason) }
}

@available(*, unavailable)
extension RedisPublishLink: Sendable {}
