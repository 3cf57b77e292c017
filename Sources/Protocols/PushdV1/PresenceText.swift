internal import Bytes
public import Channels

/// Members of a channel, and how they change, as JSON.
public enum PresenceText {
    /// `{"presence":[{"id":"…","user":"…","info":…}],"count":2,"channel":"c"}`.
    ///
    /// - Parameter id: the client's id of the command; empty if it has none.
    public static func json(of channel: String, _ list: PresenceList, id: [UInt8]) -> [UInt8] {
        let members = list.members.map { member in
            var object = JSONObjectWriter()
            add(member, to: &object)
            return object.finish()
        }
        var text = JSONObjectWriter()
        text.member("presence", raw: JSON.array(members))
        text.member("count", list.count)
        text.member("channel", channel)
        if !id.isEmpty { text.member("id", raw: id) }
        return text.finish()
    }

    /// `{"event":"join"|"leave","channel":"c","id":"…","user":"…","info":…}`.
    public static func notice(of change: PresenceChange, in channel: String) -> DeliveryNotice {
        let name = change.isArrival ? "join" : "leave"
        var text = JSONObjectWriter()
        text.member("event", name)
        text.member("channel", channel)
        add(change.member, to: &text)
        return .event(name: name, text: text.finish())
    }

    /// `{"event":"presence","channel":"c","count":10000}`: too much has changed to tell each change.
    public static func notice(ofCount count: Int, in channel: String) -> DeliveryNotice {
        var text = JSONObjectWriter()
        text.member("event", "presence")
        text.member("channel", channel)
        text.member("count", count)
        return .event(name: "presence", text: text.finish())
    }

    private static func add(_ member: PresenceMember, to object: inout JSONObjectWriter) {
        object.member("id", member.id)
        object.member("user", member.user)
        object.member("info", raw: member.info ?? Array("null".utf8))
    }
}
