internal import Access
internal import Bytes
internal import Channels
internal import HTTP
internal import Logging
internal import Protocols
internal import Synchronization
internal import WSLoop
internal import WebSocket

extension Worker {
    private static let defaultChannel = "default"
    private static let defaultUser = "anonymous"

    /// Answers a request for a WebSocket.
    func open(_ head: RequestHead, _ connection: Connection) {
        do throws(UpgradeRefusal) {
            if let denial = state.access.denial(of: head, from: peer(of: head, connection), for: .connect) {
                throw UpgradeRefusal(denial)
            }
            guard state.lifecycle.phase != .draining else { throw .unavailable("the server is going away") }
            let offer = try accept(head)
            let channels = try channels(of: head)
            let user = try user(of: head)
            noteUnknown(in: head, offer, connection)
            state.logger.debug(
                "opening",
                metadata: [
                    "address": "\(loggedAddress(connection, head))", "user": "\(user)",
                    "channels": "\(channels)",
                ])
            try takePlace()
            if !state.configuration.admission.isEmpty { try admit(head, connection, user: user) }
            let unconfirmed = acquire(channels, for: connection)
            guard unconfirmed > 0 else { return finishOpening(connection, offer, channels: channels) }
            wait(toComplete: .open(offer, channels: channels, unconfirmed: unconfirmed), connection)
        } catch {
            counters.handshakes[HandshakeResult(error.response.status).rawValue] += 1
            logHandshakeRefusal(error.reason, of: head, connection)
            respond(error.response, to: connection)
        }
    }

    /// Turns the connection into a WebSocket: the 101, then whatever its channels bring.
    func finishOpening(_ connection: Connection, _ acceptance: Handshake.Acceptance, channels: [String]) {
        var acceptance = acceptance
        if acceptance.deflate?.keepsClientContext == true, !state.places.takeDeflateContext() {
            acceptance.deflate = nil
        }
        connection.requests = nil
        forgetRate(of: connection)  // the handshake is no message
        connection.machine = ConnectionMachine(inflater: inflater(acceptance.deflate))
        tell(.upgraded, connection)
        let spoken = ClientProtocols.index(ofSubprotocol: acceptance.subprotocol)
        hub.setForm(WireForm(encoder: spoken, deflated: acceptance.deflate?.window), of: connection.slot)
        hub.reply(connection.slot) { acceptance.encode(into: &$0) }
        for channel in channels { hub.join(connection.slot, channel) }
        counters.handshakes[HandshakeResult.accepted.rawValue] += 1
        counters.webSockets += 1
        counters.opened += 1
        if state.lifecycle.phase == .draining { fail(connection, .goingAway, "server is going away", .drain) }
    }

    private func takePlace() throws(UpgradeRefusal) {
        guard !state.places.takeWebSocket(), isStopped(by: .connections) else { return }
        state.places.releaseWebSocket()
        throw UpgradeRefusal(.connections)
    }

    private func admit(_ head: RequestHead, _ connection: Connection, user: String) throws(UpgradeRefusal) {
        let ticket = Admission.Ticket(
            address: clientAddress(of: head, connection)?.group, user: user == Worker.defaultUser ? nil : user)
        let second = Loop.monotonicNanoseconds / 1_000_000_000
        let verdict = state.admission.withLock { $0.admit(ticket, second: second) }
        for refusal in verdict.reached { counters.limitHits[refusal.limit.rawValue] += 1 }
        guard let refusal = verdict.refusal else {
            tickets[connection.slot] = ticket
            return
        }
        state.places.releaseWebSocket()
        throw UpgradeRefusal(refusal.denial)
    }

    /// Counts the end of what `finishOpening` counted.
    func webSocketEnded(_ connection: Connection) {
        counters.webSockets -= 1
        counters.closed[connection.life.closeReason.rawValue] += 1
        state.places.releaseWebSocket()
    }

    /// Connections share the loop's decompressor; only a client that insists on its context gets one of its own.
    private func inflater(_ agreement: DeflateAgreement?) -> Inflater? {
        agreement.map { $0.keepsClientContext ? Inflater(keepsContext: true) : inflater }
    }

    private func accept(_ head: RequestHead) throws(UpgradeRefusal) -> Handshake.Acceptance {
        do throws(HandshakeViolation) {
            return try Handshake.accept(head, subprotocols: subprotocols, deflate: deflatePolicy(head))
        } catch {
            var response = Response.error(error.status, error.message)
            error.addHeaders(to: &response)
            throw UpgradeRefusal(error.message, response)
        }
    }

    private var subprotocols: [String] {
        if case .channels = state.configuration.endpoint { ClientProtocols.subprotocols } else { [] }
    }

    /// The extension's offer has no way to insist on a context, so the query has.
    private func deflatePolicy(_ head: RequestHead) -> DeflateAgreement.Policy {
        guard state.configuration.compresses else { return .off }
        let keepsContext = (try? head.queryValues(of: "context_takeover")) == ["1"]
        return keepsContext ? .withClientContext : .withoutContext
    }

    private func channels(of head: RequestHead) throws(UpgradeRefusal) -> [String] {
        guard case .channels = state.configuration.endpoint else { return [] }
        let named: [String]
        do throws(QueryViolation) { named = try head.queryValues(of: "channel") } catch {
            throw .badRequest(error.message)
        }
        if let problem = named.lazy.filter({ !$0.isEmpty }).compactMap(ChannelName.problem(with:)).first {
            throw .badRequest("channel= \(problem)")
        }
        let channels = named.isEmpty ? [Worker.defaultChannel] : Worker.distinct(named.filter { !$0.isEmpty })
        let limit = state.configuration.maxChannels.value
        if channels.count > limit, isStopped(by: .channels) {
            throw .badRequest("at most \(limit) channels (--max-channels)")
        }
        return channels
    }

    /// The names in order, each once.
    private static func distinct(_ names: [String]) -> [String] {
        guard names.count > 1 else { return names }
        var known: Set<ByteName> = []
        return names.filter { known.insert(ByteName($0)).inserted }
    }

    private func user(of head: RequestHead) throws(UpgradeRefusal) -> String {
        guard let users = try? head.queryValues(of: "user_id"), users.count <= 1,
            users.allSatisfy({ $0.isEmpty || ChannelName.isValid($0) })
        else {
            throw .badRequest("user_id is at most 255 bytes of UTF-8 without control characters")
        }
        return users.first ?? Worker.defaultUser
    }
}

/// Why a WebSocket was not opened, in words and as the answer to the request.
private struct UpgradeRefusal: Error {
    let reason: String
    let response: Response

    init(_ reason: String, _ response: Response) {
        self.reason = reason
        self.response = response
    }

    init(_ denial: Denial) {
        self.init(denial.message, Response(denial))
    }

    static func badRequest(_ reason: String) -> UpgradeRefusal {
        UpgradeRefusal(reason, .error(.badRequest, reason))
    }

    static func unavailable(_ reason: String) -> UpgradeRefusal {
        UpgradeRefusal(reason, .unavailable(reason))
    }
}
