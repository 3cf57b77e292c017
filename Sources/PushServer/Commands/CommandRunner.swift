internal import Broker
internal import Bytes
internal import Channels
internal import HTTP
internal import Protocols
internal import WSLoop
internal import WebSocket

/// Executes clients' commands, and replies when the broker has replied.
final class CommandRunner {
    let context: LoopContext
    let table: ConnectionTable
    let lives: ConnectionLives
    let http: HTTPExchange
    let webSockets: WebSocketExchange
    let input: Input
    /// Where this loop publishes and subscribes.
    let broker: any Broker
    private let endpoint: WebSocketEndpoint
    /// Connections that wait for a channel's confirmation.
    var waiting: [ByteName: [StreamKey]] = [:]

    init(_ context: LoopContext, _ connections: Connections) {
        self.context = context
        table = connections.table
        lives = connections.lives
        http = connections.http
        webSockets = connections.webSockets
        input = connections.input
        endpoint = context.state.configuration.endpoint
        broker =
            context.state.broker.isEmbedded
            ? EmbeddedBroker { context.broadcast($0) } : BrokerProxy { context.tellNode($0) }
    }
}

extension CommandRunner: MessageDelegate {
    func received(_ message: WebSocketMessage, _ connection: Connection) {
        switch (endpoint, message) {
        case (.channels, .text(let text)): take(webSockets.session(of: connection).step(text: text.rawSpan), connection)
        case (.channels, .binary(let bytes)):
            take(webSockets.session(of: connection).step(binary: bytes.rawSpan), connection)
        case (.answering(let answer), _):
            switch answer(message) {
            case .text(let text): webSockets.reply(text, to: connection)
            case .binary(let bytes): context.hub.reply(connection.slot, .binary, message: bytes.rawSpan)
            case .none: break
            }
        }
    }
}

extension CommandRunner: EndingDelegate {
    /// Gives up the pending request of a connection that ends.
    func abandonPending(_ connection: Connection) {
        guard let pending = connection.pending else { return }
        connection.pending = nil
        if case .open = pending { context.state.places.releaseWebSocket() }
        for channel in pending.channels { abandon(channel, connection) }
    }

    /// Ends all subscriptions of a connection.
    func releaseAll(_ connection: Connection) {
        let channels = context.hub.channelNames(of: connection.slot)
        context.hub.leaveAll(connection.slot)
        for channel in channels { release(channel) }
    }
}
