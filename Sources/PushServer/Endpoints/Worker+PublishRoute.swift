internal import Access
internal import Channels
internal import HTTP
internal import Protocols

// Whether a request may publish, and where to; what is wrong with it is told with what to do.
extension Worker {
    func publishRoute(_ head: RequestHead, _ connection: Connection) -> Route {
        if let refusal = refusal(of: head, for: .publish, connection) { return .refusal(refusal) }
        // Subscribers would get its boundaries and headers, which no sender means.
        if head.hasValue(beginningWith: "multipart/form-data", in: "content-type") {
            return .refusal(.error(.unsupportedMediaType, Worker.formRefusal))
        }
        do throws(PublishRefusal) {
            let channel = try Worker.channel(of: head)
            let key = try Worker.key(of: head)
            if key != nil, let keyRefusal { throw PublishRefusal(keyRefusal) }
            guard !state.bytes.isOverBudget else { return .refusal(.unavailable(CommandRefusal.overBudget.message)) }
            return .publish(channel: channel, key: key)
        } catch {
            return .refusal(.error(.badRequest, error.reason))
        }
    }

    func wrongMethodForPublishing(_ head: RequestHead, _ connection: Connection) -> Response {
        let base = "\(peer(of: head, connection).contains(.tls) ? "https" : "http")://\(head.host ?? "localhost")"
        return Worker.wrongMethod("POST", example: ": curl -d hello '\(base)/publish?channel=news'")
    }

    private static let formRefusal =
        "a form with files (multipart/form-data, curl -F) is no message: send the body itself (curl --data-binary @FILE)"

    private static let parameters: [StaticString] = ["channel", "key"]

    private static func channel(of head: RequestHead) throws(PublishRefusal) -> String {
        let channels = try values(of: "channel", head)
        guard let channel = channels.first else { throw missingChannel(head) }
        guard channels.count == 1 else {
            throw PublishRefusal("\(channels.count) channels: a request publishes to one, send one for each")
        }
        if let problem = ChannelName.problem(with: channel) { throw PublishRefusal("channel= \(problem)") }
        return channel
    }

    private static func missingChannel(_ head: RequestHead) -> PublishRefusal {
        let remedy = "add ?channel=NAME to the URL: the channel goes in the query, the body is the message"
        guard let name = try? head.queryName(besides: parameters) else { return PublishRefusal(remedy) }
        return PublishRefusal("'\(Worker.loggable(name))' is no parameter here (they are channel and key); \(remedy)")
    }

    private static func key(of head: RequestHead) throws(PublishRefusal) -> String? {
        let keys = try values(of: "key", head)
        guard keys.count <= 1 else { throw PublishRefusal("\(keys.count) keys: a message has one") }
        if let problem = keys.first.flatMap(ChannelName.problem(with:)) { throw PublishRefusal("key= \(problem)") }
        return keys.first
    }

    private static func values(of name: StaticString, _ head: RequestHead) throws(PublishRefusal) -> [String] {
        do throws(QueryViolation) { return try head.queryValues(of: name) } catch {
            throw PublishRefusal(error.message)
        }
    }
}

/// Why a request does not publish, in words for its sender.
private struct PublishRefusal: Error {
    let reason: String

    init(_ reason: String) {
        self.reason = reason
    }
}
