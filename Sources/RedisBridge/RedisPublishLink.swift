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
    private let publisher: RedisPublisher
    private weak let delegate: (any RedisPublishLinkDelegate)?

    /// Makes a link that is not started; end it with `stop()`.
    ///
    /// - Parameter tls: required if the endpoint uses TLS.
    public init(
        on loop: Loop, endpoint: RedisEndpoint, tls: TLSContext? = nil, timing: RedisTiming = RedisTiming(),
        delegate: any RedisPublishLinkDelegate
    ) throws(SystemError) {
        timer = try Timer(on: loop)
        let link = RedisLink(
            on: loop, servers: endpoint.servers, login: endpoint.login, tls: tls, timing: timing, timer: timer)
        publisher = RedisPublisher(link, on: loop, timing: timing)
        self.delegate = delegate
    }

    /// Starts to connect in the next turn of the loop.
    public func start() {
        publisher.link.start(owner: self)
    }

    /// Whether a message of this size would be sent now.
    public func hasRoom(forBytes byteCount: Int) -> Bool {
        publisher.link.isReady && publisher.hasRoom(forBytes: byteCount)
    }

    /// Publishes to a Redis channel, given by its name in Redis.
    ///
    /// - Parameter completion: runs once, on the loop, with the number of Redis clients that got the message; inside
    ///   this call if it fails at once.
    public func publish(
        _ payload: [UInt8], toRedis channel: [UInt8],
        completion: @escaping (Result<Int, RedisPublishFailure>) -> Void
    ) {
        guard publisher.link.isReady else { return completion(.failure(.notConnected)) }
        guard publisher.hasRoom(forBytes: payload.count) else { return completion(.failure(.overloaded)) }
        publisher.send(payload, to: channel, completion)
    }

    /// Ends the connection and its timer; pending publishes fail, and the delegate is not called any more.
    public func stop() {
        publisher.stop()
        timer.close()
    }
}

extension RedisPublishLink: RedisLinkOwner {
    func linkReady(_ link: RedisLink) { delegate?.publishLinkReady() }

    func link(_ link: RedisLink, received reply: RedisReply) {
        publisher.received(reply)
    }

    func linkLost(_ link: RedisLink, _ failure: RedisLinkFailure) {
        publisher.linkLost()
        delegate?.publishLinkFailed(failure.reason)
    }

    func linkFailed(_ link: RedisLink, _ failure: RedisLinkFailure) { delegate?.publishLinkFailed(failure.reason) }
}

@available(*, unavailable)
extension RedisPublishLink: Sendable {}
