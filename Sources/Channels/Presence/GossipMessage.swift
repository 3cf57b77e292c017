public import Bytes

/// What nodes tell each other of their members.
public enum GossipMessage: Equatable, Sendable {
    /// The node is there; `number` is that of its last changes.
    case alive(number: UInt64)
    /// Members have come to the node, or gone from it; numbered without holes.
    case changes(number: UInt64, [GossipChange])
    /// A part of all members of the node, after the changes with the number.
    case all(number: UInt64, part: Int, parts: Int, [GossipChange])
    /// Another node wants to know all members of one node; of each if `node` is nil.
    case ask(node: UInt64?)
}

/// What has changed in a channel at a node.
public struct GossipChange: Equatable, Sendable {
    /// What it has there now.
    public enum Fact: Equatable, Sendable {
        /// It has a member, or has it no more.
        case member(PresenceMember, isArrival: Bool)
        /// It has this many subscriptions.
        case subscriptions(Int)
    }

    /// The channel.
    public let channel: ByteName
    /// What has changed.
    public let fact: Fact

    /// A change.
    public init(channel: ByteName, _ fact: Fact) { (self.channel, self.fact) = (channel, fact) }

    /// A member has come or gone.
    public init(channel: ByteName, member: PresenceMember, isArrival: Bool) {
        self.init(channel: channel, .member(member, isArrival: isArrival))
    }
}
