/// The broker inside the process: the publishing loop orders each message and hands it to all loops.
public final class EmbeddedBroker: Broker {
    private let deliver: (Publication) -> PublishOutcome

    /// Makes the broker of one loop.
    ///
    /// - Parameter deliver: puts a message into the one order of its channel, and hands it to the subscribers of all
    ///   loops.
    public init(deliver: @escaping (Publication) -> PublishOutcome) {
        self.deliver = deliver
    }

    /// Confirms at once, because no messages come from elsewhere.
    public func subscribe(_ channel: String) -> Bool { true }

    /// Does nothing, because only channels with subscribers get messages.
    public func unsubscribe(_ channel: String) {}

    /// Hands the message over at once.
    public func publish(_ publication: Publication, for ticket: PublishTicket) -> PublishOutcome? {
        deliver(publication)
    }
}

@available(*, unavailable)
extension EmbeddedBroker: Sendable {}
