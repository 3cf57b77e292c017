public import Channels

/// The protocols that clients can use; a new one is a line in `all`.
public enum ClientProtocols {
    /// The protocols of WebSockets, in the order of the encoders in a `WireForm`.
    ///
    /// The first is for clients that offer no known name.
    public static let all: [any ClientProtocol] = [Plain(), PushdV1(), Pusher()]

    /// The encoders of the protocols, and behind them those of event streams.
    public static let encoders: [(any MessageEncoder)?] = all.map(\.encoder) + EventStream.allCases.map(\.encoder)

    /// The names that clients can offer.
    public static let subprotocols: [String] = all.compactMap(\.subprotocol)

    /// The index of the protocol with a name; nil for the protocol of clients that offer no known name.
    public static func index(ofSubprotocol name: String?) -> Int {
        guard let name else { return 0 }
        return all.firstIndex { $0.subprotocol == name } ?? 0
    }

    /// The index of Pusher's protocol, whose clients come to a path of their own.
    public static let indexOfPusher = all.firstIndex { $0 is Pusher } ?? 0

    /// The index of an event stream's encoder.
    public static func index(of stream: EventStream) -> Int {
        all.count + (EventStream.allCases.firstIndex(of: stream) ?? 0)
    }

    /// What clients with an encoder speak, for lists of connections.
    public static func name(ofEncoder index: Int) -> String {
        index < all.count ? all[index].name : EventStream.name
    }
}
