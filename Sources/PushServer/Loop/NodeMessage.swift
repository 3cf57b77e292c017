internal import Broker
internal import WSLoop

/// What workers tell the node.
enum NodeMessage: Sendable {
    /// A worker takes clients from now on.
    case opened
    /// A worker could not open or run its loop.
    case failed(SystemError)
    /// A channel has got its first subscribers or lost its last: see the directory.
    case interestChanged(channel: String)
    /// Publish through the broker; the outcome goes to the connection.
    case publish(Publication, PublishTicket)
    /// Begin the drain after a while.
    case leave
    /// Accept nobody any more.
    case drain
    /// A worker has no connections left.
    case drained

    /// The worker on whose loop the node runs.
    static let worker = 0
}

/// What runs on the first worker's loop beside the worker.
protocol NodeMessageHandler: AnyObject {
    /// Called at the end of a turn.
    func handle(_ message: NodeMessage)
    /// Called every `DeadlineWheel.tickMilliseconds`.
    func tick()
}
