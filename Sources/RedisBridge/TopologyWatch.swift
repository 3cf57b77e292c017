/// Knows where the servers of a Redis are that has several.
protocol TopologyWatch: AnyObject {
    /// What keeps it from knowing; nil if nothing does.
    var problem: String? { get }
    /// Begins with the next turn of the loop.
    func start()
    /// Looks again soon: a server does not answer.
    func ask()
    /// Ends its connection.
    func stop()
}
