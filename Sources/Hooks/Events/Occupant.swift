internal import Bytes

/// Something that is there while connections are subscribed: an occupied channel, or a user on a channel.
public struct Occupant: Hashable, Sendable {
    private let channelName: ByteName
    private let userName: ByteName?

    /// A channel that is occupied, or a user that is on it.
    public init(channel: String, user: String? = nil) {
        channelName = ByteName(channel)
        userName = user.map { ByteName($0) }
    }

    /// The channel.
    public var channel: String { channelName.text }
    /// The user; nil for the channel itself.
    public var user: String? { userName?.text }

    /// The event when it comes or goes.
    public func event(isArrival: Bool) -> EventKind {
        if userName == nil { isArrival ? .occupied : .vacated } else { isArrival ? .joined : .left }
    }

    /// Its name for other nodes: names have no control characters, so that they can separate parts.
    var name: String { userName.map { "\($0.text)\t\(channelName.text)" } ?? channelName.text }

    /// What has a name.
    init(named name: String) {
        let parts = name.split(separator: "\t", maxSplits: 1, omittingEmptySubsequences: false)
        if parts.count == 2 {
            self.init(channel: String(parts[1]), user: String(parts[0]))
        } else {
            self.init(channel: name)
        }
    }
}
