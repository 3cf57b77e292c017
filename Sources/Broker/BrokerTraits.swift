/// The constant properties of a broker.
public struct BrokerTraits: Sendable {
    /// Its name in texts.
    public let name: String
    /// Its name in `/health`, and in the names of metrics.
    public let label: String
    /// Why a message cannot have a key here, for the publisher; nil if it can.
    public let keyRefusal: String?

    /// Why a message cannot leave out a connection here, for the publisher; nil if it can.
    public let exclusionRefusal: String?

    /// The traits of a broker.
    public init(name: String, label: String, keyRefusal: String? = nil, exclusionRefusal: String? = nil) {
        self.name = name
        self.label = label
        self.keyRefusal = keyRefusal
        self.exclusionRefusal = exclusionRefusal
    }
}
