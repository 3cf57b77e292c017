internal import Bytes

/// Who is in a channel, as others see it.
public struct PresenceMember: Equatable, Sendable {
    /// The name of the connection with which the member came.
    public let id: String
    /// The user's name.
    public let user: String
    /// What the issuer of its token, or the backend, says of the user, as JSON text; nil for nothing.
    public let info: [UInt8]?
    /// Whether the user has a name of its own; one without is as many members as connections.
    public let isNamed: Bool

    /// A member.
    public init(id: String, user: String, info: [UInt8]?, isNamed: Bool) {
        (self.id, self.user, self.info, self.isNamed) = (id, user, info, isNamed)
    }

    /// What it has in common with itself on other connections.
    var key: MemberKey { MemberKey(name: ByteName(isNamed ? user : id), isUser: isNamed) }
}

/// Tells members of a channel apart: users, and connections of clients without a name.
struct MemberKey: Hashable, Sendable {
    let name: ByteName
    let isUser: Bool
}

/// A member of a channel.
struct PresencePlace: Hashable, Sendable {
    let channel: ByteName
    let member: MemberKey
}

/// That a member has come to a channel, or has gone.
public struct PresenceChange: Equatable, Sendable {
    /// Who.
    public let member: PresenceMember
    /// Whether it has come.
    public let isArrival: Bool
}

/// The members of a channel at one moment.
public struct PresenceList: Equatable, Sendable {
    /// The members, in the order in which they came; not all of them if there are very many.
    public let members: [PresenceMember]
    /// How many there are.
    public let count: Int

    /// A list.
    public init(members: [PresenceMember], count: Int) {
        (self.members, self.count) = (members, count)
    }
}

/// A moment in the changes of a channel: what came before it was known to a watcher when it began.
public struct PresenceStart: Equatable, Sendable {
    /// The number of the first taking that has later changes.
    public let number: UInt64
    /// How many of that taking's changes came before.
    let offset: Int

    /// The changes of a taking that came after this moment.
    public func rest<Change>(of changes: [Change], takenAs taking: UInt64) -> ArraySlice<Change> {
        taking < number ? [] : taking == number ? changes.dropFirst(offset) : changes[...]
    }
}
