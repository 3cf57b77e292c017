/// A way to publish messages, loop-confined like all that it calls.
protocol Publisher: AnyObject {
    /// Begins; `publisherReady` or `publisherFailed` follows.
    func start()
    /// Whether a message may be published at once.
    var hasRoom: Bool { get }
    /// Publishes a message; `published` follows for each, perhaps inside this call.
    func publish(_ message: [UInt8], _ publication: Publication)
    /// Ends it; what is under way is not reported any more.
    func close()
}

/// Takes what a publisher tells; called on the loop.
protocol PublisherOwner: AnyObject {
    /// Messages may be published from now on.
    func publisherReady()
    /// A message was accepted, or was not.
    func published(_ publication: Publication, failure: PublishFailure?)
    /// No more can be published.
    func publisherFailed(_ problem: String)
}

/// Why a message was not published, or may not have been.
struct PublishFailure: Equatable {
    let text: String
    /// Whether it would be the same for every other message.
    let isFinal: Bool
}
