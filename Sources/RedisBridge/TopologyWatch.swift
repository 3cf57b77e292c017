/// Finds the servers of a Redis with several servers.
protocol TopologyWatch: AnyObject {
    /// Why the servers are unknown; nil if they are known.
    var problem: String? { get }
    /// Starts in the next turn of the loop.
    func start()
    /// Asks again soon, because a server does not answer.
    func ask()
    /// Ends its connection.
    func stop()
}
