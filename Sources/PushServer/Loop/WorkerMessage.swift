internal import Access
internal import Broker
internal import Bytes
internal import Channels
internal import WSLoop

/// A message from one worker to another.
///
/// What is large and rare is `indirect`, so that the copies of messages to deliver are small.
enum WorkerMessage: Sendable {
    /// To the first worker: a message for the node, which is on its loop.
    indirect case node(NodeMessage)
    /// Take over a client that the node accepted.
    indirect case adopt(AcceptedStream, Peer, TLSContext?)
    /// Deliver to the channel's subscribers on this worker.
    case deliver(Message)
    /// From the node: subscriptions of the channel may be confirmed.
    case ready(channel: String)
    /// From the node: the channel's subscribers may have missed messages for this long.
    case gap(channel: String, milliseconds: UInt64)
    /// From the node: messages of the channel's history are gone, and the next ones follow behind this place.
    indirect case lost(channel: String, next: StreamPosition)
    /// From the node: the result of a connection's publish.
    case published(PublishTicket, PublishOutcome)
    /// From the directory: the histories that the connection waits for.
    indirect case read(StreamKey, [HistoryReading])
    /// From the node: who has come to channels and gone.
    indirect case presence([PresenceBatch])
    /// From the node: how many subscriptions channels have.
    indirect case subscriptions([(channel: ByteName, count: Int)])
    /// Execute a call, and answer it if it has a ticket.
    indirect case call(Call, CallTicket?)
    /// To itself: continue to execute calls.
    case runCalls
    /// Begin or end to report to a trace.
    indirect case trace(TraceChange)
    /// Something for a trace whose stream is on this worker.
    indirect case traced(UInt32, TraceReport)
    /// The answer of a worker, or of the node, to a call of this one.
    indirect case answered(UInt32, Listing)
    /// From the node: the outcome of a question to the backend.
    indirect case settled(HookReply)
    /// From the node: keys that were wanted are there, or are not fetched now.
    case keysSettled
    /// From the node: go by these settings from now on.
    case settings(LiveSettings)
    /// From the node: go by these settings, which differ in the keys of `--token-jwks`.
    case keys(LiveSettings)
    /// To itself: continue to review connections after a reload.
    case review
    /// To itself: continue with connections that had used their share of a turn.
    case serveWaiting
    /// Close idle HTTP connections, because descriptors are scarce.
    case closeIdle
    /// To itself: another turn is needed.
    case wakeUp
    /// Close the WebSockets over the drain period, then end.
    case drain
    /// End now.
    case stop
}
