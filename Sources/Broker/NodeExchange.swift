/// What the nodes of one broker tell each other, apart from channels.
///
/// Confined to one loop, as the broker.
public protocol NodeExchange: AnyObject {
    /// Starts to receive what nodes tell; `brokerJoinedNodes` follows, and again after each loss.
    func joinNodes()

    /// Tells all nodes something, this one included.
    ///
    /// - Parameter completion: takes why it failed, once and possibly inside this call; never after `stop()`.
    func tellNodes(_ text: [UInt8], completion: @escaping (BrokerFailure?) -> Void)

    /// Keeps a record for nodes that are away now, or start later.
    ///
    /// - Parameters:
    ///   - end: when the record may be forgotten, in seconds since 1970.
    ///   - completion: takes why it failed, once and possibly inside this call.
    func keep(_ record: [UInt8], until end: Int, completion: @escaping (BrokerFailure?) -> Void)

    /// Reads the records; one may come twice, or have ended.
    ///
    /// - Parameter completion: takes why it failed, once and possibly inside this call; records may have come before.
    func readRecords(_ take: @escaping ([UInt8]) -> Void, completion: @escaping (BrokerFailure?) -> Void)
}
