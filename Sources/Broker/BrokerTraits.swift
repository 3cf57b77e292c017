/// The constant properties of a broker.
public struct BrokerTraits: Sendable {
    /// Its name in texts.
    public let name: String
    /// Its name in `/health`, and in the names of metrics.
    public let label: String
    /// Why a message cannot leave out a connection here, for the publisher; nil if it can.
    public let exclusionRefusal: String?

    /// Why there are no wildcards here, for clients; nil if there are.
    public var wildcardObstacle: String?

    /// The traits of a broker.
    public init(name: String, label: String, exclusionRefusal: String? = nil) {
        self.name = name
        self.label = label
        self.exclusionRefusal = exclusionRefusal
    }
}
