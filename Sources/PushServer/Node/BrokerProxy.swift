internal import Broker
internal import WSLoop

/// A worker's access to a broker on the node's loop.
///
/// Requests and replies are messages between the loops.
final class BrokerProxy: Broker {
    private let ask: (NodeMessage) -> Void

    /// - Parameter ask: posts a message to the node's loop.
    init(ask: @escaping (NodeMessage) -> Void) {
        self.ask = ask
    }

    func subscribe(_ channel: String) -> Bool {
        ask(.interestChanged(channel: channel))
        return false
    }

    func unsubscribe(_ channel: String) {
        ask(.interestChanged(channel: channel))
    }

    func publish(_ publication: Publication, for ticket: PublishTicket) -> PublishOutcome? {
        ask(.publish(publication, ticket))
        return nil
    }
}

extension PublishTicket {
    /// Identifies a connection of a worker.
    init(worker: Int, _ key: StreamKey, part: Int = 0) {
        self.init(loop: worker, slot: key.slot, generation: key.generation, part: UInt32(part))
    }

    var key: StreamKey { StreamKey(slot: slot, generation: generation) }
}
