internal import Access
internal import Bytes
internal import Channels
internal import HTTP
internal import Protocols

// What the request asks for.
extension ClientOpenings {
    private static let defaultChannel = "default"

    /// The channels that the query names, or else the default one, and those of the token.
    func channels(of head: RequestHead, _ identity: Identity?) throws(UpgradeRefusal) -> [String] {
        guard hasChannels else { return [] }
        let named: [String]
        do throws(QueryViolation) { named = try head.queryValues(of: "channel") } catch {
            throw .badRequest(error.message)
        }
        if let problem = named.lazy.filter({ !$0.isEmpty }).compactMap(ChannelName.problem(with:)).first {
            throw .badRequest("channel= \(problem)")
        }
        let granted = identity?.channels ?? []
        let channels =
            named.isEmpty && granted.isEmpty
            ? [ClientOpenings.defaultChannel] : ClientOpenings.distinct(named.filter { !$0.isEmpty } + granted)
        let limit = context.settings.configuration.maxChannels.value
        if channels.count > limit, context.isStopped(by: .channels) {
            throw .badRequest(CommandRefusal.tooManyChannels(limit: limit).message)
        }
        return channels
    }

    /// Whether the client wants to be told who comes to its channels and who leaves.
    func watchesPresence(_ head: RequestHead) throws(UpgradeRefusal) -> Bool {
        guard context.settings.access.channels.havePresence else { return false }
        let value: String?
        do throws(BadRequest) { value = try head.parameter("presence") } catch { throw .badRequest(error.reason) }
        guard let value, value != "0" else { return false }
        guard value == "1" else { throw .badRequest("presence= is 0 or 1") }
        return true
    }

    /// The names in order, without duplicates.
    static func distinct(_ names: [String]) -> [String] {
        guard names.count > 1 else { return names }
        var known: Set<ByteName> = []
        return names.filter { known.insert(ByteName($0)).inserted }
    }

    /// The token's user, or else the one that the query names; where tokens are taken, only they name users.
    func user(of head: RequestHead, _ identity: Identity?) throws(UpgradeRefusal) -> String {
        guard let users = try? head.queryValues(of: "user_id"), users.count <= 1,
            users.allSatisfy({ $0.isEmpty || ChannelName.isValid($0) })
        else {
            throw .badRequest("user_id is at most 255 bytes of UTF-8 without control characters")
        }
        guard context.settings.tokens != nil else { return users.first ?? Users.anonymous }
        let user = identity?.user ?? Users.anonymous
        if let named = users.first, !named.isEmpty, ByteName(named) != ByteName(user) {
            throw .badRequest("user_id is not the user of the token")
        }
        return user
    }
}
