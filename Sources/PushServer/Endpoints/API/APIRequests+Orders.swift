internal import Access
internal import Bytes
internal import Channels
internal import HTTP
internal import Protocols

extension APIRequests {
    /// Has all nodes carry out an order, and answers when this one has.
    ///
    /// - Parameter subject: the member of the answer that says what the order was about.
    func carryOut(
        _ order: Order, _ subject: (name: String, value: String)?, _ connection: Connection,
        note: @escaping (Response) -> Void = { _ in }
    ) -> EndpointAnswer {
        guard let id = order.connection else {
            let told = context.state.broker.isEmbedded ? nil : order
            return answer(connection, .order(order), on: allLoops, telling: told, note: note) {
                APIRequests.response(to: $0, subject)
            }
        }
        guard id.node == context.state.nodeID else {
            guard !context.state.broker.isEmbedded else { return .now(.noConnection) }
            return answer(connection, .order(order), on: 0..<0, telling: order) {
                APIRequests.response(to: $0, subject)
            }
        }
        guard id.loop < context.state.workers else { return .now(.noConnection) }
        return answer(connection, .order(order), on: id.loop..<id.loop + 1) {
            $0.count == 0 ? .noConnection : APIRequests.response(to: $0, subject)
        }
    }

    /// Sends a message to all connections of a user.
    ///
    /// With a broker the message reaches this node's connections from there, too, and here they are only counted.
    ///
    /// - Parameters:
    ///   - id: what a repeat has, too; the nodes take only one of them.
    ///   - note: takes the response, whether or not the connection is still there.
    func publish(
        _ payload: [UInt8], to user: String, id: String? = nil, _ connection: Connection,
        note: @escaping (Response) -> Void = { _ in }
    ) -> EndpointAnswer {
        guard !context.state.bytes.isOverBudget else {
            let refusal = Response.unavailable(CommandRefusal.overBudget.message)
            note(refusal)
            return .now(refusal)
        }
        context.counters.messagesIn[MessageSource.http.rawValue] += 1
        let order = Order.publish(user: user, Message(toUser: payload), id: id)
        guard !context.state.broker.isEmbedded else { return carryOut(order, ("user", user), connection, note: note) }
        return answer(connection, .user(user), on: allLoops, telling: order, note: note) {
            if case .failed(let reason) = $0.telling { return .unavailable(reason) }
            return APIRequests.response(to: $0, ("user", user))
        }
    }

    private var allLoops: Range<Int> { 0..<context.state.workers }

    private static func response(to listing: Listing, _ subject: (name: String, value: String)?) -> Response {
        var text = JSONObjectWriter()
        if let subject { text.member(subject.name, subject.value) }
        text.member("connections", listing.count)
        switch listing.telling {
        case .told: text.member("other_nodes", "told")
        case .queued(let reason):
            text.member("other_nodes", "queued")
            text.member("reason", reason)
        case .failed(let reason):
            return .unavailable("done for \(listing.count) connections of this node only: \(reason)")
        case nil: break
        }
        return .json(text.finish())
    }
}
