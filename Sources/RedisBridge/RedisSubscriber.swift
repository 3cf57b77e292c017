internal import Bytes
internal import WSLoop

/// A link that subscribes, with the commands that Redis has not answered.
///
/// The link's owner passes the link's events on to it. Confined to the loop's thread.
final class RedisSubscriber {
    /// What Redis has sent; the replies in it are lent for the call.
    enum Event {
        case message(RedisReply, channel: RedisReply)
        case patternMessage(RedisReply, channel: RedisReply, pattern: RedisReply)
        case subscribed(RedisReply)
        /// Redis has confirmed the pattern of a wildcard.
        case subscribedWildcard(RedisReply)
        /// Redis has confirmed all patterns.
        case subscribedPatterns
        /// Redis has ended a subscription, as it was asked.
        case left(RedisReply)
        /// Redis has ended the subscription to the pattern of a wildcard, as it was asked.
        case leftWildcard(RedisReply)
        /// Redis itself ended a subscription.
        case unsubscribed(RedisReply)
        case refused(channel: String, String)
        case refusedWildcard(pattern: String, String)
        case refusedPatterns(String)
    }

    let link: RedisLink
    let pubSub: ClusterPubSub
    private let loop: Loop
    private var outstanding = OutstandingCommands()
    private var unconfirmedPatterns = 0
    /// When something was last received, even if the connection is gone by now.
    private(set) var lastHeardMilliseconds: UInt64
    /// When a PING was last answered.
    private(set) var pingAnsweredMilliseconds: UInt64 = 0

    init(_ link: RedisLink, on loop: Loop, _ pubSub: ClusterPubSub) {
        self.link = link
        self.loop = loop
        self.pubSub = pubSub
        lastHeardMilliseconds = loop.nowMilliseconds
    }

    /// Sends a command if the link is ready.
    func send(_ command: SubscriptionCommand) {
        guard link.isReady else { return }
        outstanding.append(command)
        link.send(command.command(pubSub))
    }

    /// Subscribes to all patterns on a new connection.
    func subscribe(toPatterns patterns: [String]) {
        unconfirmedPatterns = patterns.count
        if !patterns.isEmpty { send(SubscriptionCommand(.subscribePatterns, patterns)) }
    }

    func ping() {
        send(SubscriptionCommand(.ping, [""]))
    }

    func linkLost() {
        outstanding.removeAll()
    }

    /// Takes a message or a reply.
    ///
    /// - Returns: what the link's owner has to act on; nil for nothing.
    func received(_ reply: RedisReply) -> Event? {
        lastHeardMilliseconds = loop.nowMilliseconds
        if let text = reply.errorText { return refused(text) }
        guard let word = reply.element(0), let name = reply.element(1) else {
            // Without a subscription a PING is answered as on any other link.
            return pingAnswered()
        }
        switch word.withBytes({ PushKind($0) }) {
        case .message: return reply.element(2).map { .message($0, channel: name) }
        case .patternMessage:
            guard let channel = reply.element(2), let payload = reply.element(3) else { return nil }
            return .patternMessage(payload, channel: channel, pattern: name)
        case .subscribed:
            _ = answered(.subscribe, name)
            return .subscribed(name)
        case .unsubscribed: return answered(.unsubscribe, name) ? .left(name) : .unsubscribed(name)
        case .patternSubscribed: return patternSubscribed(name)
        case .patternUnsubscribed: return answered(.unsubscribeWildcards, name) ? .leftWildcard(name) : nil
        case .pong: return pingAnswered()
        case .other: return nil
        }
    }

    private func answered(_ kind: SubscriptionCommand.Kind, _ name: RedisReply) -> Bool {
        name.withBytes { outstanding.answered(kind, $0) }
    }

    private func pingAnswered() -> Event? {
        _ = outstanding.answered(.ping, RawSpan())
        pingAnsweredMilliseconds = loop.nowMilliseconds
        return nil
    }

    private func patternSubscribed(_ name: RedisReply) -> Event? {
        guard !answered(.subscribeWildcards, name) else { return .subscribedWildcard(name) }
        guard answered(.subscribePatterns, name), unconfirmedPatterns > 0 else { return nil }
        unconfirmedPatterns -= 1
        return unconfirmedPatterns == 0 ? .subscribedPatterns : nil
    }

    /// Redis answered a command with an error.
    private func refused(_ text: String) -> Event? {
        guard let command = outstanding.refused() else { return nil }
        switch command.kind {
        case .unsubscribe, .unsubscribeWildcards: return nil
        case .ping:
            pingAnsweredMilliseconds = loop.nowMilliseconds
            return nil
        case .subscribePatterns: return .refusedPatterns(text)
        case .subscribe, .subscribeWildcards:
            guard let name = command.names.first, command.names.count == 1 else {
                // One bad name may have failed the whole command: retry each name alone.
                for name in command.names { send(SubscriptionCommand(command.kind, [name])) }
                return nil
            }
            return command.kind == .subscribe ? .refused(channel: name, text) : .refusedWildcard(pattern: name, text)
        }
    }
}

/// The kind of a push on a subscriber link, from its first word.
private enum PushKind {
    case message, patternMessage, subscribed, unsubscribed, patternSubscribed, patternUnsubscribed, pong, other

    init(_ word: RawSpan) {
        guard word.byteCount > 2 else {
            self = .other
            return
        }
        // message, smessage, pmessage, subscribe, ssubscribe, psubscribe, unsubscribe, sunsubscribe, punsubscribe, pong
        switch (word.byte(at: 0), word.byte(at: 1), word.byte(at: 2)) {
        case (UInt8(ascii: "m"), _, _), (UInt8(ascii: "s"), UInt8(ascii: "m"), _): self = .message
        case (UInt8(ascii: "p"), UInt8(ascii: "m"), _): self = .patternMessage
        case (UInt8(ascii: "s"), UInt8(ascii: "u"), UInt8(ascii: "n")), (UInt8(ascii: "u"), _, _): self = .unsubscribed
        case (UInt8(ascii: "s"), _, _): self = .subscribed
        case (UInt8(ascii: "p"), UInt8(ascii: "s"), _): self = .patternSubscribed
        case (UInt8(ascii: "p"), UInt8(ascii: "u"), _): self = .patternUnsubscribed
        case (UInt8(ascii: "p"), UInt8(ascii: "o"), _): self = .pong
        default: self = .other
        }
    }
}

@available(*, unavailable)
extension RedisSubscriber: Sendable {}
