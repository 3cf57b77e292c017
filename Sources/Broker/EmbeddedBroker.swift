/// The broker inside the process: the publishing loop orders each message and hands it to all loops.
public final class EmbeddedBroker: Broker {
    private let deliver: (Publication) -> Int

    /// Makes the broker of one loop.
    ///
    /// - Parameter deliver: puts a message into the one order of its channel, and hands it to the subscribers of all
    ///   loops; returns how many these are.
    public init(deliver: @escaping (Publication) -> Int) {
        self.deliver = deliver
    }

    /// Confirms at once, because no messages come from elsewhere.
    public func subscribe(_ channel: String) -> Bool { true }

    /// Does nothing, because only channels with subscribers get messages.
    public func unsubscribe(_ channel: String) {}

    /// Hands the message over at once.
    public func publish(_ publication: Publication, for ticket: PublishTicket) -> PublishOutcome? {
        .success(Published(subscribers: deliver(publication)))
    }
}

@available(*, unavailable)
extension EmbeddedBroker: Sendable {}
