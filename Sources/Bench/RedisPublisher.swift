internal import RedisBridge
internal import WSLoop

/// Publishes with Redis' PUBLISH on one connection, without waiting for earlier replies.
final class RedisPublisher: Publisher, RedisPublishLinkDelegate {
    private let channels: [[UInt8]]
    private let messageBytes: Int
    private unowned let owner: any PublisherOwner
    private var link: RedisPublishLink?
    private var isReady = false

    /// Makes a publisher to the Redis channels with these names.
    init(
        on loop: Loop, endpoint: RedisEndpoint, channels: [[UInt8]], messageBytes: Int, owner: any PublisherOwner
    ) throws(SystemError) {
        self.channels = channels
        self.messageBytes = messageBytes
        self.owner = owner
        link = try RedisPublishLink(on: loop, endpoint: endpoint, delegate: self)
    }

    func start() { link?.start() }

    var hasRoom: Bool { link?.hasRoom(forBytes: messageBytes) == true }

    func publish(_ message: [UInt8], _ publication: Publication) {
        link?.publish(message, toRedis: channels[publication.channel]) { [weak self] result in
            guard let self, link != nil else { return }
            var failure: PublishFailure?
            if case .failure(let error) = result {
                failure = PublishFailure(text: error.description, isFinal: error != .overloaded)
            }
            owner.published(publication, failure: failure)
        }
    }

    func close() {
        let ending = link
        link = nil
        ending?.stop()
    }

    func publishLinkReady() {
        guard !isReady else { return }
        isReady = true
        owner.publisherReady()
    }

    func publishLinkFailed(_ reason: String) { owner.publisherFailed("Redis: \(reason)") }
}

@available(*, unavailable)
extension RedisPublisher: Sendable {}
