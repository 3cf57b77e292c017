internal import Bytes
internal import HTTP
internal import WSLoop

/// Lets requests wait for calls.
struct APIRequests {
    let context: LoopContext
    private let calls: Calls
    private let commands: CommandRunner
    private let http: HTTPExchange

    init(_ context: LoopContext, _ connections: Connections, _ commands: CommandRunner, _ calls: Calls) {
        self.context = context
        self.calls = calls
        self.commands = commands
        http = connections.http
    }

    /// Answers a request when all loops have answered a call.
    func answer(
        _ connection: Connection, _ call: Call, _ response: @escaping (Listing) -> Response
    ) -> EndpointAnswer {
        answer(connection, call, on: 0..<context.state.workers, response)
    }

    /// Answers a request about a connection when the connection's loop has answered a call.
    func answer(
        _ connection: Connection, about id: ConnectionID, _ call: Call, _ response: @escaping (Listing) -> Response
    ) -> EndpointAnswer {
        guard id.node == context.state.nodeID, id.loop < context.state.workers else {
            return .now(response(Listing(call.page)))
        }
        return answer(connection, call, on: id.loop..<id.loop + 1, response)
    }

    /// Answers a request when loops have answered a call, and the other nodes were told of an order.
    ///
    /// - Parameter note: takes the response, whether or not the connection is still there, unless it is to a list.
    func answer(
        _ connection: Connection, _ call: Call, on loops: Range<Int>, telling order: Order? = nil,
        note: @escaping (Response) -> Void = { _ in }, _ response: @escaping (Listing) -> Response
    ) -> EndpointAnswer {
        let key = connection.key
        let number = calls.begin(call, on: loops, telling: order) { [commands, http] listing in
            let response = listing.map(response) ?? .unavailable("not every event loop has answered in time")
            note(response)
            commands.answered(key) { http.respond(response, to: $0) }
        }
        guard let number else {
            let refusal = Response.unavailable("too many requests of this kind are being answered")
            note(refusal)
            return .now(refusal)
        }
        connection.wait(for: Continuation(abandoned: { [calls] in if call.isList { calls.abandon(number) } }))
        return .later
    }
}

extension RequestHead {
    /// The part of a list that the query asks for.
    func page() throws(BadRequest) -> ListPage {
        var page = ListPage()
        if let after = try parameter("after") { page.after = after }
        if let text = try parameter("limit") {
            guard let limit = Int(text), (1...ListPage.maxLimit).contains(limit) else {
                throw BadRequest("limit= is a number from 1 to \(ListPage.maxLimit)")
            }
            page.limit = limit
        }
        return page
    }
}

extension Listing {
    /// The list as JSON, with the name after which the next page begins.
    func json(_ name: String, _ text: (Entry) -> [UInt8]) -> [UInt8] {
        var object = JSONObjectWriter()
        object.member(name, raw: JSON.array(entries.map(text)))
        if let end { object.member("next", end) }
        return object.finish()
    }
}
