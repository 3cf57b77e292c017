/// The constant properties of a broker.
public struct BrokerTraits: Sendable {
    /// Its name in texts.
    public let name: String
    /// Its name in `/health`, and in the names of metrics.
    public let label: String
    /// Why there are no wildcards here, for clients; nil if there are.
    public var wildcardObstacle: String?

    /// The traits of a broker.
    public init(name: String, label: String) {
        self.name = name
        self.label = label
    }
}
