/// The constant properties of a broker.
public struct BrokerTraits: Sendable {
    /// Its name in texts.
    public let name: String
    /// Its name in `/health`, and in the names of metrics.
    public let label: String
    /// Why a message cannot have a key here, for the publisher; nil if it can.
    public let keyRefusal: String?

    /// The traits of a broker.
    public init(name: String, label: String, keyRefusal: String? = nil) {
        self.name = name
        self.label = label
        self.keyRefusal = keyRefusal
    }
}
