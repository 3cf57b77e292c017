internal import Bytes
internal import Channels
internal import HTTP
internal import WebSocket

/// `POST /v1/users/U/disconnect`: ends all connections of a user.
final class DisconnectUserEndpoint: APIEndpoint {
    static let path = APIPath("/v1/users/*/disconnect")
    static let isPost = true

    private let requests: APIRequests

    init(_ requests: APIRequests) { self.requests = requests }

    func answer(_ head: RequestHead, _ body: [UInt8], _ connection: Connection) throws(BadRequest) -> EndpointAnswer {
        let user = try Self.path.name(in: head, "user")
        let frame = try RequestParameters(head, body, "code", "reason").closeFrame()
        return requests.carryOut(.disconnect(.user(user), frame), ("user", user), connection)
    }
}

/// `POST /v1/connections/ID/disconnect`: ends a connection.
final class DisconnectEndpoint: APIEndpoint {
    static let path = APIPath("/v1/connections/*/disconnect")
    static let isPost = true

    private let requests: APIRequests

    init(_ requests: APIRequests) { self.requests = requests }

    func answer(_ head: RequestHead, _ body: [UInt8], _ connection: Connection) throws(BadRequest) -> EndpointAnswer {
        let frame = try RequestParameters(head, body, "code", "reason").closeFrame()
        guard let id = ConnectionID(try Self.path.argument(of: head)) else { return .now(.noConnection) }
        return requests.carryOut(
            .disconnect(.connection(id), frame), ("connection", id.description), connection)
    }
}

/// `POST /v1/channels/C/unsubscribe`: removes connections from a channel.
final class UnsubscribeEndpoint: APIEndpoint {
    static let path = APIPath("/v1/channels/*/unsubscribe")
    static let isPost = true

    private let requests: APIRequests

    init(_ requests: APIRequests) { self.requests = requests }

    func answer(_ head: RequestHead, _ body: [UInt8], _ connection: Connection) throws(BadRequest) -> EndpointAnswer {
        let channel = try Self.path.name(in: head, "channel")
        let parameters = try RequestParameters(head, body, "user", "connection", "code", "reason")
        let reason = try parameters.reason() ?? "the server has ended this subscription"
        let code = try parameters.eventCode()
        guard let target = try parameters.target() else { return .now(.noConnection) }
        return requests.carryOut(
            .unsubscribe(target, channel: channel, reason: reason, code: code), ("channel", channel), connection)
    }
}

/// `POST /v1/users/U/publish`: sends the body to all connections of a user.
final class UserPublishEndpoint: APIEndpoint {
    static let path = APIPath("/v1/users/*/publish")
    static let isPost = true
    static let maxBodyBytes: Int? = nil

    private let requests: APIRequests

    init(_ requests: APIRequests) { self.requests = requests }

    func answer(_ head: RequestHead, _ body: [UInt8], _ connection: Connection) throws(BadRequest) -> EndpointAnswer {
        try head.allowParameters()
        return requests.publish(body, to: try Self.path.name(in: head, "user"), connection)
    }
}

// MARK: - Parameters

extension APIPath {
    /// What stands for `*`, if it can be a channel's or a user's name.
    func name(in head: RequestHead, _ what: String) throws(BadRequest) -> String {
        let name = try argument(of: head)
        if let problem = ChannelName.problem(with: name) { throw BadRequest("the \(what)'s name \(problem)") }
        return name
    }
}

extension RequestParameters {
    /// A user's name: 1 to 255 bytes without control characters.
    func userName() throws(BadRequest) -> String? {
        guard let user = try text("user") else { return nil }
        if let problem = ChannelName.problem(with: user) { throw BadRequest("user \(problem)") }
        return user
    }

    fileprivate func closeFrame() throws(BadRequest) -> CloseFrame {
        let code = try number("code") ?? Int(CloseCode.policyViolation.rawValue)
        guard let frame = CloseFrame(serverCode: code, try reason() ?? "disconnected") else {
            throw BadRequest("code is \(CloseFrame.serverCodes)")
        }
        return frame
    }

    fileprivate func reason() throws(BadRequest) -> String? {
        guard let reason = try text("reason") else { return nil }
        guard reason.utf8.count <= CloseFrame.maxReasonBytes else {
            throw BadRequest("reason has \(reason.utf8.count) bytes, \(CloseFrame.maxReasonBytes) are allowed")
        }
        return reason
    }

    /// What the client's event says as its code, as JSON: a close code or a word.
    fileprivate func eventCode() throws(BadRequest) -> [UInt8] {
        if try isNumber("code") {
            let code = try number("code") ?? 0
            guard CloseFrame(serverCode: code, "") != nil else { throw BadRequest("code is \(CloseFrame.serverCodes)") }
            return Array(String(code).utf8)
        }
        let word = try text("code") ?? "removed"
        guard (1...32).contains(word.utf8.count), word.utf8.allSatisfy({ $0.isLetterOrUnderscore }) else {
            throw BadRequest("code is a number or a word of at most 32 small letters and underscores")
        }
        return JSON.string(word)
    }

    /// Nil for something that cannot be a connection's name.
    fileprivate func target() throws(BadRequest) -> Order.Target? {
        switch (try userName(), try text("connection")) {
        case (let user?, nil): .user(user)
        case (nil, let name?): ConnectionID(name).map { .connection($0) }
        default: throw BadRequest("who: either user or connection")
        }
    }
}

extension UInt8 {
    fileprivate var isLetterOrUnderscore: Bool {
        (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(self) || self == UInt8(ascii: "_")
    }
}
