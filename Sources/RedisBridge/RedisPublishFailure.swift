internal import Broker

/// Why a publish did not reach Redis, or may not have reached it.
public enum RedisPublishFailure: Error, Equatable, Sendable {
    /// There is no connection; nothing was sent.
    case notConnected
    /// The connection broke before the reply, or the reply was late: the message may or may not be delivered.
    case unanswered
    /// Too many messages are already waiting for Redis; nothing was sent.
    case overloaded
    /// Redis answered with this error.
    case refused(String)

    /// The outcome in a reply to PUBLISH: the number of Redis clients that got the message, or the failure.
    static func outcome(_ reply: RedisReply?) -> Result<Int, RedisPublishFailure> {
        guard let reply else { return .failure(.unanswered) }
        return reply.errorText.map { .failure(.refused($0)) } ?? .success(reply.integer ?? 0)
    }
}

extension RedisPublishFailure {
    /// How the script's refusals of pieces begin.
    private static let growth = "GROWTH "

    /// What the publisher is told.
    var forPublisher: BrokerFailure {
        guard case .refused(let text) = self, text.hasPrefix(RedisPublishFailure.growth) else {
            return BrokerFailure(description)
        }
        return BrokerFailure(String(text.dropFirst(RedisPublishFailure.growth.count)), isTooLarge: true)
    }
}

extension BrokerFailure {
    /// Whether Redis itself has refused a command.
    var isRefusal: Bool { description.hasPrefix(RedisPublishFailure.refused("").description) }
}

extension RedisPublishFailure: CustomStringConvertible {
    /// The failure in words.
    public var description: String {
        switch self {
        case .notConnected: "Redis is not connected"
        case .unanswered: "Redis did not answer: the message may be delivered or not"
        case .overloaded: "too many messages wait for Redis"
        case .refused(let text): "Redis refused: \(text)"
        }
    }
}
