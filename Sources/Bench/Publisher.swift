/// A way to publish messages; confined to the loop, like everything it calls.
protocol Publisher: AnyObject {
    /// Starts; `publisherReady` or `publisherFailed` follows.
    func start()
    /// Whether a message may be published at once.
    var hasRoom: Bool { get }
    /// Publishes a message; `published` follows for each, possibly inside this call.
    func publish(_ message: [UInt8], _ publication: Publication)
    /// Stops; pending messages are no longer reported.
    func close()
}

/// Receives a publisher's events; called on the loop.
protocol PublisherOwner: AnyObject {
    /// Messages may be published from now on.
    func publisherReady()
    /// A message was accepted or refused.
    func published(_ publication: Publication, failure: PublishFailure?)
    /// No more messages can be published.
    func publisherFailed(_ problem: String)
}

/// Why a message was not published, or may not have been.
struct PublishFailure: Equatable {
    let text: String
    /// Whether every other message would fail in the same way.
    let isFinal: Bool
}
