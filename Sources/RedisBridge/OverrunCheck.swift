internal import WSLoop

/// Finds out whether Redis cut the subscriber link because this node did not keep up.
final class OverrunCheck {
    private let publisher: RedisPublisher
    private var watch = OverrunWatch()
    /// How often Redis has cut the link for this.
    private(set) var count = 0

    init(_ publisher: RedisPublisher) {
        self.publisher = publisher
    }

    /// Asks before each probe; the returning probe shows that the link was not cut before the question.
    func ask() {
        guard watch.isWorthAsking else { return }
        publisher.ask(OverrunWatch.question) { [weak self] answer in
            if let answer { self?.watch.answered(answer) }
        }
    }

    /// A probe has come back on the subscriber link.
    func linkProven() { watch.linkProven() }

    /// The next answers may come from another server.
    func publisherLost() { watch = OverrunWatch() }

    /// Explains why the subscriber link was lost.
    ///
    /// A question on the other link shows whether Redis is still there. If Redis does not count the clients that it
    /// disconnects, the place of the cut decides: Redis ends a link in the middle of a message only if it drops unsent
    /// output.
    ///
    /// - Parameter completion: receives whether this node did not keep up.
    func explain(_ failure: RedisLinkFailure, then completion: @escaping (_ isOverrun: Bool) -> Void) {
        let isMidReply = failure.kind == .cutMidReply
        guard isMidReply || failure.kind == .closed && watch.isWorthAsking else { return completion(false) }
        publisher.ask(OverrunWatch.question) { [weak self] answer in
            guard let self, let answer, watch.hasRisen(answer) ?? isMidReply else { return completion(false) }
            count += 1
            completion(true)
        }
    }
}

@available(*, unavailable)
extension OverrunCheck: Sendable {}
