internal import Broker
internal import Hooks
internal import WSLoop

/// A message from a worker to the node.
enum NodeMessage: Sendable {
    /// A worker now accepts clients.
    case opened
    /// A worker could not open or run its loop.
    case failed(SystemError)
    /// A channel has got its first or lost its last subscriber: see the directory.
    case interestChanged(channel: String)
    /// Publish through the broker; the outcome goes to the connection.
    case publish(Publication, PublishTicket)
    /// Drop the messages of a channel's history through the broker; the outcome goes to the connection.
    case clearHistory(channel: String, PublishTicket)
    /// Tell the other nodes of an order, and answer that part of a call, if it has a ticket.
    case tell(Order, CallTicket?)
    /// Ask the backend; the outcome goes to the worker that asks.
    case ask(Question, HookTicket)
    /// A question's connection has ended.
    case withdraw(HookTicket)
    /// A worker has clients whose tokens may be signed with keys that are not known yet.
    case keysWanted(worker: Int)
    /// Keys of tokens were fetched from another URL than those in use.
    case keysReplaced
    /// A client was shown who is in a channel, and one that joins on another node should see it there at once.
    case memberJoined
    /// Something has happened to a worker's connections that the backend wants to know.
    case note(EventNote)
    /// Read the configuration again.
    case reload
    /// The configuration was read again.
    case reloaded(Result<Reload, ReloadFailure>)
    /// A worker goes by the settings of a reload, and has reviewed its connections.
    case reviewed(ReviewCounts)
    /// Start the drain after the drain delay.
    case leave
    /// Stop accepting clients.
    case drain
    /// A worker has no connections left.
    case drained

    /// The worker on whose loop the node runs.
    static let worker = 0
}

/// What runs on the first worker's loop besides the worker.
protocol NodeMessageHandler: AnyObject {
    /// Called at the end of a turn.
    func handle(_ message: NodeMessage)
    /// Called every `DeadlineWheel.tickMilliseconds`.
    func tick()
}
