internal import Bytes
internal import Channels
internal import HTTP
internal import Protocols

extension PusherAPI {
    /// Lists the channels that have subscribers, on all nodes.
    func listChannels(_ query: PusherQuery, _ connection: Connection) throws(PusherAPIViolation) -> EndpointAnswer {
        let info = try PusherInfo(query["info"])
        let prefix = query["filter_by_prefix"] ?? ""
        guard !info.userCount || PusherChannel.hasMembers(prefix) else {
            throw .badBody("user_count needs filter_by_prefix=presence-, as other channels have no users")
        }
        guard !prefix.contains("*"), let pattern = ChannelPattern(prefix + "*") else {
            throw .badBody("no channel has this prefix")
        }
        var page = ListPage()
        page.limit = ListPage.maxLimit
        return requests.answer(connection, .channels(matching: pattern, page)) { [self] listing in
            var listing = listing
            for (channel, count) in context.state.presence.channels(besides: context.state.nodeID)
            where pattern.matches(channel.text) {
                listing.add(.init(name: channel.text, count: count))
            }
            var channels = JSONObjectWriter()
            for entry in listing.entries {
                channels.member(entry.name, raw: attributes(of: entry.name, info).finish())
            }
            var answer = JSONObjectWriter()
            answer.member("channels", raw: channels.finish())
            return .json(answer.finish())
        }
    }

    /// Describes one channel.
    func describe(_ channel: String, _ query: PusherQuery) throws(PusherAPIViolation) -> Response {
        guard PusherChannel.isValid(channel) else { throw .badBody("this is no channel's name") }
        let info = try PusherInfo(query["info"])
        guard !info.userCount || PusherChannel.hasMembers(channel) else {
            throw .badBody("user_count is for presence channels, as others have no users")
        }
        let isOccupied = subscriptions(of: channel) > 0 || context.state.presence.count(channel) > 0
        var answer = attributes(of: channel, info)
        answer.member("occupied", raw: Array((isOccupied ? "true" : "false").utf8))
        return .json(answer.finish())
    }

    /// Lists the users in a presence channel, on all nodes.
    func listMembers(of channel: String) throws(PusherAPIViolation) -> Response {
        guard PusherChannel.isValid(channel), PusherChannel.hasMembers(channel) else {
            throw .badBody("only presence channels have users")
        }
        let users = context.state.presence.list(channel).members.map { member in
            var user = JSONObjectWriter()
            user.member("id", member.isNamed ? member.user : member.id)
            return user.finish()
        }
        var answer = JSONObjectWriter()
        answer.member("users", raw: JSON.array(users))
        return .json(answer.finish())
    }

    /// What is asked of a channel, on all nodes.
    func attributes(of channel: String, _ info: PusherInfo) -> JSONObjectWriter {
        var attributes = JSONObjectWriter()
        if info.userCount, PusherChannel.hasMembers(channel) {
            attributes.member("user_count", context.state.presence.count(channel))
        }
        if info.subscriptionCount {
            attributes.member("subscription_count", subscriptions(of: channel))
        }
        return attributes
    }

    /// Those here now, and those elsewhere of a moment ago.
    private func subscriptions(of channel: String) -> Int {
        context.state.directory.subscribers(of: channel)
            + context.state.presence.subscriptions(of: channel, besides: context.state.nodeID)
    }
}
