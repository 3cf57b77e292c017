internal import Bytes

/// The channels that have subscribers on this loop, by name and by index.
public final class ChannelTable {
    /// The policies for channels that are opened from now on.
    var policies: SlowConsumerPolicies
    // Unchecked (docs/decisions/0009): read for each message.
    @safe @exclusivity(unchecked) private var channels: ContiguousArray<Channel?> = []
    private var freeIndices: [UInt32] = []
    @safe @exclusivity(unchecked) private var channelByName: [ByteName: Channel] = [:]
    /// The channels that are wildcards.
    @safe @exclusivity(unchecked) private(set) var wildcards = WildcardSet()
    /// The memory of the channels: their names and objects.
    public private(set) var bytes = 0

    init(policies: SlowConsumerPolicies) {
        self.policies = policies
    }

    /// The memory of a channel here and in the directory: its name, objects and table entries (measured: 420 to 480
    /// bytes).
    public static func bytes(ofChannelNamed name: String) -> Int { 512 + name.utf8.count }

    /// The number of channels.
    var count: Int { channelByName.count }

    /// One more than the highest index.
    public var indexEnd: Int { channels.count }

    /// The name of the channel with an index; nil if there is none now.
    public func name(at index: Int) -> String? { channels[index]?.name }

    /// How many connections of this loop are subscribed to a channel.
    public func subscriberCount(of name: String) -> Int { self[name]?.subscriberCount ?? 0 }

    subscript(index: UInt32) -> Channel? { channels[Int(index)] }

    subscript(name: String) -> Channel? { channelByName[ByteName(name)] }

    /// The wildcards that a channel, or another wildcard, belongs to.
    func wildcards(of name: String) -> [Channel] { wildcards.matches(name).compactMap { channelByName[$0] } }

    /// How many connections of this loop get a channel's messages, by its name or by a wildcard.
    func receiverCount(of name: String) -> Int {
        ([self[name]].compactMap(\.self) + wildcards(of: name)).reduce(0) {
            $0 + $1.subscriberCount - $1.covered.count
        }
    }

    func open(_ name: String) -> Channel {
        let index: UInt32
        if let free = freeIndices.popLast() {
            index = free
        } else {
            index = UInt32(channels.count)
            channels.append(nil)
        }
        let channel = Channel(name: name, index: index, policy: policies.policy(of: name))
        channels[Int(index)] = channel
        channelByName[ByteName(name)] = channel
        if channel.isWildcard { wildcards.insert(name) }
        bytes += ChannelTable.bytes(ofChannelNamed: name)
        return channel
    }

    /// Gives the channel with an index, if there is one, the policy that it would have if it were opened now.
    public func refreshPolicy(at index: Int) {
        guard let channel = channels[index] else { return }
        channel.policy = policies.policy(of: channel.name)
    }

    func close(_ channel: Channel) {
        channels[Int(channel.index)] = nil
        channelByName[ByteName(channel.name)] = nil
        if channel.isWildcard { wildcards.remove(channel.name) }
        bytes -= ChannelTable.bytes(ofChannelNamed: channel.name)
        freeIndices.append(channel.index)
    }
}

@available(*, unavailable)
extension ChannelTable: Sendable {}
