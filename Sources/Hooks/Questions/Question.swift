internal import Bytes

/// What the backend is asked about.
public enum HookKind: Int, CaseIterable, Sendable {
    case connect, subscribe, publish

    /// Its name in questions, metrics and options.
    public var label: String { "\(self)" }
}

/// A question to the backend, as JSON.
public struct Question: Sendable {
    /// What it is about.
    public let kind: HookKind
    /// Everything but the connection: questions that are equal in it are asked once.
    let key: [UInt8]
    private let connection: String

    /// A question about what a client wants to do.
    ///
    /// - Parameters:
    ///   - connection: the connection's name; of equal questions only the first one's is sent.
    ///   - headers: chosen fields of the request that opened the connection.
    ///   - subject: what the client wants to join or publish.
    public init(
        _ kind: HookKind, connection: String, user: String, address: String?,
        headers: [(name: String, value: String)], _ subject: Subject
    ) {
        self.kind = kind
        self.connection = connection
        var object = JSONObjectWriter()
        object.member("question", kind.label)
        object.member("user", user)
        if let address { object.member("address", address) }
        if !headers.isEmpty {
            var fields = JSONObjectWriter()
            for header in headers { fields.member(header.name, header.value) }
            object.member("headers", raw: fields.finish())
        }
        subject.write(to: &object)
        key = object.finish()
    }

    /// What the client wants to join or publish.
    public enum Subject: Sendable {
        /// To connect, and to join these channels at once.
        case channels([String])
        /// To subscribe to a channel.
        case channel(String)
        /// To publish JSON text to a channel.
        case publication(channel: String, data: [UInt8])

        fileprivate func write(to object: inout JSONObjectWriter) {
            switch self {
            case .channels(let names): object.member("channels", raw: JSON.array(names))
            case .channel(let name): object.member("channel", name)
            case .publication(let channel, let data):
                object.member("channel", channel)
                object.member("data", raw: data)
            }
        }
    }

    /// The body of the request.
    var body: [UInt8] {
        var body = Array("{\"connection\":".utf8)
        body.reserveCapacity(key.count + connection.utf8.count + 32)
        JSON.appendString(connection, to: &body)
        body.append(UInt8(ascii: ","))
        body.append(contentsOf: key.dropFirst())
        return body
    }
}

/// Identifies one of the questions of a connection.
public struct HookTicket: Hashable, Sendable {
    /// The index of the connection's loop.
    public let loop: Int
    /// The number of the request that the questions belong to.
    public let request: Int
    /// Which of them it is.
    public let part: Int

    /// Identifies a question.
    public init(loop: Int, request: Int, part: Int) {
        (self.loop, self.request, self.part) = (loop, request, part)
    }
}
