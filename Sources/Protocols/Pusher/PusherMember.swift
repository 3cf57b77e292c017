internal import Bytes
internal import Channels

/// Who a client is in presence channels, as its application server says.
struct PusherMember: Equatable {
    static let maxInfoBytes = 2048

    let id: String
    /// What others see of it, as JSON text.
    let info: [UInt8]?
    /// The users whose coming and going it is told.
    let watchlist: [String]

    static let maxWatched = 100

    /// Reads `{"user_id":…,"user_info":…}`; an id that is a number becomes its digits.
    init(channelData text: String) throws(PusherViolation) {
        let bytes = Array(text.utf8)
        guard let object = try? JSONObject(parsing: bytes.rawSpan),
            let id = PusherMember.id(object["user_id"], in: bytes)
        else { throw .badChannelData }
        self.id = id
        watchlist = []
        info = object.rawRange(of: "user_info").map { Array(bytes[$0]) }
        guard info?.count ?? 0 <= PusherMember.maxInfoBytes else { throw .badChannelData }
    }

    /// Reads the data of a client that signs in: `{"id":"…","user_info":…,"watchlist":["…"]}`.
    init(userData text: String) throws(PusherViolation) {
        let bytes = Array(text.utf8)
        guard let object = try? JSONObject(parsing: bytes.rawSpan), let id = object.string("id"),
            ChannelName.isValid(id)
        else { throw .badUserData }
        self.id = id
        watchlist = try PusherMember.watchlist(object, bytes).filter { $0 != id }
        info = object.rawRange(of: "user_info").map { Array(bytes[$0]) }
        guard info?.count ?? 0 <= PusherMember.maxInfoBytes else { throw .badUserData }
    }

    private static func watchlist(_ object: JSONObject, _ bytes: [UInt8]) throws(PusherViolation) -> [String] {
        guard let range = object.rawRange(of: "watchlist") else { return [] }
        guard let users = JSON.strings(bytes.rawSpan.extracting(range)), users.count <= maxWatched,
            Set(users).count == users.count,
            users.allSatisfy({ ChannelName.isValid(PusherChannel.whereOnline($0)) && !$0.isEmpty })
        else { throw .badWatchlist }
        return users
    }

    private static func id(_ value: JSONObject.Value?, in bytes: [UInt8]) -> String? {
        let id: String
        switch value {
        case .string(let text): id = text
        case .number(let range): id = String(decoding: bytes[range], as: UTF8.self)
        default: return nil
        }
        return ChannelName.isValid(id) ? id : nil
    }
}
