internal import Access
internal import Broker
internal import Channels
internal import WSLoop

/// A message from one worker to another.
enum WorkerMessage: Sendable {
    /// To the first worker: a message for the node, which is on its loop.
    case node(NodeMessage)
    /// Take over a client that the node accepted.
    case adopt(AcceptedStream, Peer, TLSContext?)
    /// Deliver to the channel's subscribers on this worker.
    case deliver(Message)
    /// From the node: subscriptions of the channel may be confirmed.
    case ready(channel: String)
    /// From the node: the channel's subscribers may have missed messages for this long.
    case gap(channel: String, milliseconds: UInt64)
    /// From the node: the result of the connection's publish.
    case published(StreamKey, PublishOutcome)
    /// Execute a call, and answer it.
    case call(Call, CallTicket)
    /// To itself: continue to execute calls.
    case runCalls
    /// Begin or end to report to a trace.
    case trace(TraceChange)
    /// Something for a trace whose stream is on this worker.
    case traced(UInt32, TraceReport)
    /// The answer of a worker to a call of this one.
    case answered(UInt32, Listing)
    /// From the node: the outcome of a question to the backend.
    case settled(HookReply)
    /// From the node: keys that were wanted are there, or are not fetched now.
    case keysSettled
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
