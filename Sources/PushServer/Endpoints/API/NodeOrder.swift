internal import Access
internal import Bytes
internal import Channels
internal import WSLoop
internal import WebSocket

/// An order as nodes tell it each other: a line of JSON, and after it the bytes of a message.
struct NodeOrder {
    /// The node that gives it.
    let node: UInt64
    let order: Order

    init(from node: UInt64, _ order: Order) {
        (self.node, self.order) = (node, order)
    }
}

// MARK: - Writing

extension NodeOrder {
    var text: [UInt8] {
        var line = JSONObjectWriter()
        line.member("node", String(node, radix: 16))
        var payload: [UInt8] = []
        switch order {
        case .disconnect(let target, let frame):
            line.member("do", "disconnect")
            target.write(to: &line)
            line.member("code", Int(frame.code.rawValue))
            line.member("reason", frame.reason)
        case .unsubscribe(let target, let channel, let reason, let code):
            line.member("do", "unsubscribe")
            target.write(to: &line)
            line.member("channel", channel)
            line.member("reason", reason)
            line.member("code", raw: code)
        case .publish(let user, let message, let id):
            line.member("do", "publish")
            if let id { line.member("id", id) }
            Order.Target.user(user).write(to: &line)
            payload = message.payload
        case .revoke(let revocation):
            line.member("do", "revoke")
            line.member("tokens", raw: revocation.json)
        case .revokeToken(let id):
            line.member("do", "revoke")
            Order.Target.connection(id).write(to: &line)
        }
        return line.finish() + [UInt8(ascii: "\n")] + payload
    }
}

extension Order.Target {
    fileprivate func write(to line: inout JSONObjectWriter) {
        switch self {
        case .user(let user): line.member("user", user)
        case .connection(let id): line.member("connection", id.description)
        }
    }
}

// MARK: - Reading

extension NodeOrder {
    /// Reads what `text` wrote; nil for anything else, such as an order of a later version.
    init?(parsing text: [UInt8]) {
        guard let end = text.firstIndex(of: UInt8(ascii: "\n")) else { return nil }
        let reader = Reader(Array(text[..<end]))
        guard let reader, let node = reader.string("node").flatMap({ UInt64($0, radix: 16) }),
            let order = Order(reader, payload: text[(end + 1)...])
        else { return nil }
        self.init(from: node, order)
    }

    fileprivate struct Reader {
        private let line: [UInt8]
        private let object: JSONObject

        init?(_ line: [UInt8]) {
            guard let object = try? JSONObject(parsing: line.rawSpan) else { return nil }
            (self.line, self.object) = (line, object)
        }

        func string(_ name: String) -> String? { if case .string(let text) = object[name] { text } else { nil } }

        func json(_ name: String) -> [UInt8]? { object.rawRange(of: name).map { Array(line[$0]) } }

        func number(_ name: String) -> Int? { json(name).flatMap { Int(String(decoding: $0, as: UTF8.self)) } }

        var target: Order.Target? {
            if let user = string("user") { return .user(user) }
            return string("connection").flatMap { ConnectionID($0) }.map { .connection($0) }
        }
    }
}

extension Order {
    fileprivate init?(_ reader: NodeOrder.Reader, payload: ArraySlice<UInt8>) {
        switch (reader.string("do"), reader.target) {
        case ("disconnect", let target?):
            guard let code = reader.number("code"), let reason = reader.string("reason"),
                let frame = CloseFrame(serverCode: code, reason)
            else { return nil }
            self = .disconnect(target, frame)
        case ("unsubscribe", let target?):
            guard let channel = reader.string("channel"), let reason = reader.string("reason"),
                let code = reader.json("code")
            else { return nil }
            self = .unsubscribe(target, channel: channel, reason: reason, code: code)
        case ("publish", .user(let user)):
            self = .publish(user: user, Message(toUser: Array(payload)), id: reader.string("id"))
        case ("revoke", .connection(let id)): self = .revokeToken(of: id)
        case ("revoke", nil):
            guard let revocation = reader.json("tokens").flatMap({ Revocation(parsing: $0) }) else { return nil }
            self = .revoke(revocation)
        default: return nil
        }
    }
}

extension Message {
    /// A message to the connections of a user.
    convenience init(toUser payload: [UInt8]) {
        self.init(channel: "", payload: payload, receivedNanoseconds: Loop.monotonicNanoseconds)
    }
}

extension CloseFrame {
    /// The longest reason: a control frame has 125 bytes, of which two are the code.
    static let maxReasonBytes = 123
    /// The codes that an admin may have a connection closed with, in words.
    static let serverCodes = "1000, 1001, 1008, 1012, 1013 or 4000 to 4999"

    /// Nil for a code that is not for servers to choose, and for a reason that does not fit.
    init?(serverCode: Int, _ reason: String) {
        switch serverCode {
        case 1000, 1001, 1008, 1012, 1013, 4000...4999: break
        default: return nil
        }
        guard reason.utf8.count <= CloseFrame.maxReasonBytes else { return nil }
        self.init(code: CloseCode(rawValue: UInt16(serverCode)), reason: reason)
    }
}
