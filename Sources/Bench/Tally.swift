internal import Histogram

/// The counts of a run.
final class Tally {
    /// The measured messages: all except the warm-up.
    struct Measured {
        fileprivate(set) var messages = 0
        fileprivate(set) var deliveries = 0
        fileprivate(set) var bytes = 0
        /// The arrival of the last measured message.
        fileprivate(set) var lastNanoseconds: UInt64 = 0
        /// The time from when a message was due until a subscriber had read it, in nanoseconds.
        fileprivate(set) var latencies = Histogram<UInt64>(
            lowestDiscernibleValue: 1000, highestTrackableValue: 86_400_000_000_000)
    }

    private(set) var channels: [ChannelProgress]
    private(set) var measured = Measured()
    private(set) var deliveries = 0
    private(set) var published = 0
    private(set) var failed = 0
    /// Messages of other publishers on the run's channels.
    private(set) var strays = 0
    /// Messages that were not answered yet or not received by all subscribers.
    private(set) var underWay = 0
    private(set) var firstFailure: String?
    private(set) var measuredFromNanoseconds = UInt64.max

    init(channels count: Int) {
        channels = Array(repeating: ChannelProgress(), count: count)
    }

    /// Starts measuring: messages due from this time on count.
    func measure(fromNanoseconds time: UInt64) { measuredFromNanoseconds = time }

    func joined(_ channel: Int) { update(channel) { $0.join() } }

    func left(_ channel: Int, at position: Int) { update(channel) { $0.leave(at: position) } }

    func sent(_ channel: Int) { update(channel) { $0.send() } }

    func answered(_ publication: Publication, failure: String?) {
        update(publication.channel) { $0.answer(failed: failure != nil) }
        if let failure {
            failed += 1
            firstFailure = firstFailure ?? failure
        } else {
            published += 1
            if publication.dueNanoseconds >= measuredFromNanoseconds { measured.messages += 1 }
        }
    }

    /// A message that was due at `due` reached a subscriber that had received `position` messages of its channel.
    func arrived(_ channel: Int, at position: Int, dueNanoseconds due: UInt64, bytes: Int, nowNanoseconds now: UInt64) {
        deliveries += 1
        update(channel) { $0.arrive(at: position) }
        guard due >= measuredFromNanoseconds else { return }
        measured.deliveries += 1
        measured.bytes += bytes
        measured.lastNanoseconds = now
        measured.latencies.record(now > due ? now - due : 0)
    }

    func strayed() { strays += 1 }

    private func update(_ channel: Int, _ change: (inout ChannelProgress) -> Void) {
        let before = channels[channel].underWay
        change(&channels[channel])
        underWay += channels[channel].underWay - before
    }
}

@available(*, unavailable)
extension Tally: Sendable {}

/// A message that was handed to a publisher.
struct Publication: Equatable {
    let channel: Int
    let dueNanoseconds: UInt64
}
