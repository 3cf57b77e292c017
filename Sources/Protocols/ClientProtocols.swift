public import Channels

/// The protocols that clients can use; a new one is a line in `all`.
public enum ClientProtocols {
    /// All protocols, in the order of the encoders in a `WireForm`.
    ///
    /// The first is for clients that offer no known name.
    public static let all: [any ClientProtocol] = [Plain(), PushdV1()]

    /// The encoders of the protocols.
    public static let encoders: [(any MessageEncoder)?] = all.map(\.encoder)

    /// The names that clients can offer.
    public static let subprotocols: [String] = all.compactMap(\.subprotocol)

    /// The index of the protocol with a name; nil for the protocol of clients that offer no known name.
    public static func index(ofSubprotocol name: String?) -> Int {
        guard let name else { return 0 }
        return all.firstIndex { $0.subprotocol == name } ?? 0
    }
}
