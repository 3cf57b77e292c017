internal import WSLoop

/// Publishes to the shard that has a channel, and follows a cluster's redirections.
final class PublishRoutes {
    private let loop: Loop
    private let limitMilliseconds: UInt64
    weak var bridge: RedisBridge?
    /// Messages for a slot that is just moving, to be tried again.
    private var redirected = PublishQueue()
    private var timer: Timer?

    init(on loop: Loop, timing: RedisTiming) {
        self.loop = loop
        limitMilliseconds = timing.publishMilliseconds
    }

    /// Makes what is needed to try again in a cluster.
    func open() throws(SystemError) {
        let timer = try Timer(on: loop)
        timer.onEvent { [weak self] in self?.publishRedirected() }
        self.timer = timer
    }

    /// Publishes; while Redis is away, messages wait for a limited time after the loss.
    ///
    /// - Parameters:
    /// - name: the channel's name in Redis.
    /// - deadline: until when redirections are followed; nil before the first one.
    func publish(
        _ payload: [UInt8], toRedis name: String, as form: PublishForm = .plain, until deadline: UInt64? = nil,
        _ completion: @escaping PublishQueue.Completion
    ) {
        guard let bridge, let shard = bridge.shard(withRedis: name) else { return completion(.failure(.notConnected)) }
        shard.publish(payload, to: Array(name.utf8), as: form) { [weak self] result in
            guard let self, let bridge = self.bridge, !bridge.isStopped, case .failure(.refused(let text)) = result,
                let redirection = ClusterRedirection(error: text)
            else { return completion(result) }
            bridge.follow(redirection, from: shard)
            guard let deadline else {
                return publish(
                    payload, toRedis: name, as: form, until: loop.nowMilliseconds + limitMilliseconds, completion)
            }
            guard loop.nowMilliseconds < deadline, redirected.hasRoom(forBytes: payload.count) else {
                return completion(result)
            }
            wait(
                .init(
                    channel: Array(name.utf8), payload: payload, form: form, deadline: deadline, completion: completion)
            )
        }
    }

    /// Messages that wait fail.
    func stop() {
        timer?.close()
        for message in redirected.takeWaiting() { message.completion(.failure(.notConnected)) }
    }

    /// Retries a message after a moment: servers that disagree about a slot will soon agree.
    private func wait(_ message: PublishQueue.Waiting) {
        redirected.wait(message)
        timer?.start(afterMilliseconds: PublishRoutes.retryMilliseconds)
    }

    private func publishRedirected() {
        for message in redirected.takeWaiting() {
            publish(
                message.payload, toRedis: String(decoding: message.channel, as: UTF8.self), as: message.form,
                until: message.deadline, message.completion)
        }
    }

    private static let retryMilliseconds: UInt64 = 100
}

@available(*, unavailable)
extension PublishRoutes: Sendable {}
