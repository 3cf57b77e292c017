internal import Broker
internal import Bytes
internal import Channels
internal import HTTP
internal import WebSocket

/// How a request is handled, decided on its head before a byte of its body is read.
enum Route {
    /// It is refused, and nothing of its body is read.
    case refused(Response)
    /// An endpoint answers it.
    case taken(RoutedRequest)
}

/// A request for an endpoint, with the values that the endpoint has parsed from its head.
struct RoutedRequest {
    /// The endpoint's number in the router's table.
    var endpoint = 0
    /// No byte of a body is needed: it is answered as soon as its head has arrived.
    var isAnsweredOnHead = false
    /// It counts against `--max-message-rate`.
    var isRateLimited = true
    /// Where a message goes.
    var channel = ""
    /// The conflation key.
    var key: String?
    /// Rare options of a publish; nil if the request has none.
    var options: PublishOptions?
}

/// Rare options of a publish.
///
/// They are an object of their own, so that requests without them do not copy them.
final class PublishOptions {
    /// The user whose connections get the message, instead of a channel's subscribers.
    let user: String?
    /// What a repeat of the request has, too.
    let id: String?
    /// The name of the connection that does not get the message.
    let excluded: String?
    /// The growing message that the body is appended to.
    let piece: Publication.Piece?

    init(user: String? = nil, id: String?, excluded: String? = nil, piece: Publication.Piece? = nil) {
        (self.user, self.id, self.excluded, self.piece) = (user, id, excluded, piece)
    }
}

/// An endpoint's answer to a complete request.
enum EndpointAnswer {
    /// This response is sent at once.
    case now(Response)
    /// The connection has a continuation, which sends the response.
    case later
    /// The connection becomes a WebSocket with these channels, perhaps with a session of its own.
    case upgrade(
        Handshake.Acceptance, OwnSession? = nil, channels: [String], after: [ByteName: HistoryReading])
    /// The response is an event stream, perhaps in gzip; `then` begins to send something in it.
    case stream(inGzip: Bool = false, then: (Connection) -> Void)
}

/// Decides on requests and answers them.
protocol RequestDelegate: AnyObject {
    /// Decides on a request's head alone how to handle it.
    func route(_ head: RequestHead, _ connection: Connection) -> Route
    /// Answers a request that was routed.
    func answer(_ head: RequestHead, _ body: [UInt8], _ routed: RoutedRequest, _ connection: Connection)
        -> EndpointAnswer
}
