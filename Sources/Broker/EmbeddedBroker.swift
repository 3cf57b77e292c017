/// The broker inside of the process: each message is ordered and handed over on the loop that publishes it.
public final class EmbeddedBroker: Broker {
    private let deliver: (Publication) -> Int

    /// Makes the broker of one loop.
    ///
    /// - Parameter deliver: puts a message into the one order of its channel, and hands it to the subscribers of all loops;
    ///   returns how many these are.
    public init(deliver: @escaping (Publication) -> Int) {
        self.deliver = deliver
    }

    /// Confirms at once: no message comes from elsewhere.
    public func subscribe(_ channel: String) -> Bool { true }

    /// Does nothing: only channels with subscribers get messages.
    public func unsubscribe(_ channel: String) {}

    /// Hands the message over at once.
    public func publish(_ publication: Publication, for ticket: PublishTicket) -> PublishOutcome? {
        .success(Published(subscribers: deliver(publication)))
    }
}

@available(*, unavailable)
extension EmbeddedBroker: Sendable {}
