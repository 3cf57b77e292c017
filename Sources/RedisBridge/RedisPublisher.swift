internal import Broker
internal import WSLoop

/// A link that publishes, with the messages that wait for it and the commands that Redis has not answered.
///
/// The link's owner passes the link's events on to it. Confined to the loop's thread.
final class RedisPublisher {
    let link: RedisLink
    private let loop: Loop
    private let timing: RedisTiming
    private let pubSub: ClusterPubSub
    private var queue = PublishQueue()
    /// What a new link sends first.
    var preparation: [RedisCommand] = []
    /// Since when publishing is impossible; nil while it is possible.
    private var downSince: UInt64?

    init(_ link: RedisLink, on loop: Loop, timing: RedisTiming, _ pubSub: ClusterPubSub = .plain) {
        self.link = link
        self.loop = loop
        self.timing = timing
        self.pubSub = pubSub
        downSince = loop.nowMilliseconds
    }

    /// The number of messages and commands that wait.
    var count: Int { queue.count }

    /// Whether a payload of this size can be accepted.
    func hasRoom(forBytes byteCount: Int) -> Bool { queue.hasRoom(forBytes: byteCount) }

    /// Publishes to a Redis channel; while Redis is away, messages wait for a limited time after the loss.
    func publish(
        _ payload: [UInt8], to channel: [UInt8], as form: PublishForm, completion: @escaping PublishQueue.Completion
    ) {
        guard hasRoom(forBytes: payload.count) else { return completion(.failure(.overloaded)) }
        guard let since = downSince else { return send(payload, to: channel, as: form, completion) }
        let deadline = since + timing.publishMilliseconds
        guard deadline > loop.nowMilliseconds else { return completion(.failure(.notConnected)) }
        queue.wait(
            .init(channel: channel, payload: payload, form: form, deadline: deadline, completion: completion))
    }

    /// Publishes at once; the link must be ready.
    func send(
        _ payload: [UInt8], to channel: [UInt8], as form: PublishForm = .plain,
        _ completion: @escaping PublishQueue.Completion
    ) {
        let deadline = loop.nowMilliseconds + timing.answerMilliseconds
        guard let arguments = form.arguments(payload, command: pubSub.publishCommand) else {
            queue.sent(byteCount: payload.count, until: deadline) { completion(RedisPublishFailure.outcome($0)) }
            return link.send(RedisCommand(pubSub.publishCommand, [channel, payload]))
        }
        let keys = [channel] + form.furtherKeys.map { Array($0.utf8) }
        call(arguments, on: keys, byteCount: payload.count, until: deadline) {
            completion(RedisPublishFailure.outcome($0))
        }
    }

    /// Calls the script of histories, which is sent whole if Redis does not know it.
    ///
    /// - Parameter answered: takes nil if the link is not ready, or is lost before the reply.
    func callScript(_ arguments: [String], on keys: [String], answered: @escaping PublishQueue.Answered) {
        guard link.isReady else { return answered(nil) }
        call(arguments.map { Array($0.utf8) }, on: keys.map { Array($0.utf8) }, answered: answered)
    }

    private func call(
        _ arguments: [[UInt8]], on keys: [[UInt8]], byteCount: Int = 0, until deadline: UInt64 = .max,
        isWhole: Bool = false, answered: @escaping PublishQueue.Answered
    ) {
        queue.sent(byteCount: byteCount, until: deadline) { [weak self] reply in
            guard let self, !isWhole, link.isReady, StreamScript.isUnknown(reply?.errorText) else {
                return answered(reply)
            }
            call(arguments, on: keys, byteCount: byteCount, until: deadline, isWhole: true, answered: answered)
        }
        link.send(StreamScript.call(arguments, on: keys, isWhole: isWhole))
    }

    /// Sends another command; the reply is nil if the link is not ready, or is lost before the reply.
    func ask(_ question: RedisCommand, answered: @escaping PublishQueue.Answered) {
        guard link.isReady else { return answered(nil) }
        queue.sent(answered: answered)
        link.send(question)
    }

    /// Ends the link; what waits fails.
    func stop() {
        link.stop()
        for answered in queue.takeSent() { answered(nil) }
        for message in queue.takeWaiting() { message.completion(.failure(.notConnected)) }
    }
}

// Events.
extension RedisPublisher {
    /// The link is logged in: sends what has waited.
    func linkReady() {
        downSince = nil
        for command in preparation { ask(command) { _ in } }
        for message in queue.takeWaiting() {
            send(message.payload, to: message.channel, as: message.form, message.completion)
        }
    }

    func linkLost() {
        downSince = loop.nowMilliseconds
        for answered in queue.takeSent() { answered(nil) }
    }

    func received(_ reply: RedisReply) {
        queue.popSent()?(reply)
    }

    /// When `advance(to:)` has something to do; nil for never.
    var nextDeadline: UInt64? { queue.nextDeadline }

    /// Gives up what has waited too long.
    func advance(to now: UInt64) {
        for message in queue.takeExpired(at: now) { message.completion(.failure(.notConnected)) }
        for answered in queue.takeUnanswered(at: now) { answered(nil) }
    }
}

@available(*, unavailable)
extension RedisPublisher: Sendable {}
