internal import Access
internal import Broker
internal import Channels
internal import WSLoop

/// What a worker is told by others.
enum WorkerMessage: Sendable {
    /// To the home worker: a worker takes clients from now on.
    case opened
    /// To the home worker: a worker could not open or run its loop.
    case failed(SystemError)
    /// Take over a client that the home worker accepted.
    case adopt(AcceptedStream, Peer, TLSContext?)
    /// Deliver to the channel's subscribers of this worker.
    case deliver(Message)
    /// To the home worker: a channel has got or lost subscribers; see the directory.
    case interestChanged(channel: String)
    /// From the home worker: subscriptions of the channel may be confirmed.
    case settled(channel: String)
    /// From the home worker: the channel's subscribers may have missed messages of that time.
    case gap(channel: String, milliseconds: UInt64)
    /// To the home worker: publish through the broker and tell the connection.
    case publish(Publication, PublishTicket)
    /// From the home worker: what became of the connection's publish.
    case published(StreamKey, PublishOutcome)
    /// To itself: serve connections that had their share of a turn.
    case goOn
    /// Close idle HTTP connections: descriptors have run short.
    case closeIdle
    /// To itself: another turn is needed.
    case wakeUp
    /// To the home worker: begin the drain after a while.
    case leave
    /// Close the WebSockets over the drain period, then end.
    case drain
    /// To the home worker: a worker has no connections left.
    case drained
    /// End now.
    case stop
}
