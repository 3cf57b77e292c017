internal import Access
internal import Broker
internal import Bytes
internal import Channels
internal import HTTP
internal import Protocols
internal import WSLoop

/// `POST /v1/publish`: publishes many messages at once, and answers with a line for each.
final class PublishLinesEndpoint: APIEndpoint {
    static let path = APIPath("/v1/publish")
    static let isPost = true
    static let maxBodyBytes: Int? = nil

    private let state: ServerState
    private let http: HTTPExchange
    private let commands: CommandRunner

    init(_ context: LoopContext, _ connections: Connections, _ commands: CommandRunner) {
        state = context.state
        http = connections.http
        self.commands = commands
    }

    func answer(_ head: RequestHead, _ body: [UInt8], _ connection: Connection) throws(BadRequest) -> EndpointAnswer {
        try head.allowParameters()
        let lines = try PublishLines(parsing: body).lines
        guard !state.bytes.isOverBudget else { return .now(.unavailable(CommandRefusal.overBudget.message)) }
        let outcomes = publish(lines.flatMap { PublishLinesEndpoint.publications(of: $0) }, for: connection)
        let respond = { [self] (outcomes: [PublishOutcome]) in response(to: lines, outcomes) }
        guard outcomes.contains(where: { $0 == nil }) else { return .now(respond(outcomes.compactMap(\.self))) }
        connection.wait(
            for: Continuation(outcomes: outcomes) { [http] in http.respond(respond($0), to: connection) })
        return .later
    }

    private static func publications(of line: Result<PublishLines.Line, BadRequest>) -> [Publication] {
        guard case .success(let line) = line else { return [] }
        return line.channels.map { Publication(channel: $0, payload: line.payload, key: line.key) }
    }

    private func publish(_ publications: [Publication], for connection: Connection) -> [PublishOutcome?] {
        publications.enumerated().map { commands.publish($1, part: $0, for: connection) }
    }

    private func response(to lines: [Result<PublishLines.Line, BadRequest>], _ outcomes: [PublishOutcome]) -> Response {
        var text: [UInt8] = []
        var rest = outcomes[...]
        for line in lines {
            switch line {
            case .failure(let error): text += error.response.body
            case .success(let line):
                let results = zip(line.channels, rest.prefix(line.channels.count)).map { result($0, $1) }
                rest = rest.dropFirst(line.channels.count)
                text += line.isList ? PublishLinesEndpoint.list(results) : results[0]
            }
            text.append(UInt8(ascii: "\n"))
        }
        return Response(.ok, contentType: "application/x-ndjson", body: text)
    }

    private func result(_ channel: String, _ outcome: PublishOutcome) -> [UInt8] {
        var text = JSONObjectWriter()
        text.member("channel", channel)
        switch outcome {
        case .success(let published):
            text.member("subscribers", published.subscribers ?? state.directory.subscribers(of: channel))
        case .failure(let failure): text.member("error", failure.description)
        }
        return text.finish()
    }

    private static func list(_ results: [[UInt8]]) -> [UInt8] {
        var text = JSONObjectWriter()
        text.member("channels", raw: JSON.array(results))
        return text.finish()
    }
}
