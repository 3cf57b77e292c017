internal import Broker
internal import Bytes
internal import Channels
internal import Protocols

/// What a connection does when the answers that it waits for have come.
///
/// A connection has at most one. Its input is paused meanwhile, so that no command overtakes another. A continuation
/// runs once, or is abandoned when its connection ends.
final class Continuation {
    private enum Awaited {
        case confirmations(Int, then: () -> Void)
        case outcome(then: (Result<Published, CommandRefusal>) -> Void)
        case outcomes([PublishOutcome?], missing: Int, then: ([PublishOutcome]) -> Void)
        case histories(then: ([HistoryReading]) -> Void)
        case answer
    }

    /// The channels that were acquired for the connection and are given back if this is abandoned.
    let channels: [String]
    /// Whether the connection ends when the peer has sent the end of its stream.
    let endsWithPeer: Bool
    private var awaited: Awaited
    private let abandoned: () -> Void

    /// Waits until channels are confirmed.
    ///
    /// - Parameters:
    ///   - unconfirmed: how many of them are not confirmed yet; at least one.
    ///   - abandoned: gives back what the connection has besides its channels.
    init(
        channels: [String], unconfirmed: Int, then: @escaping () -> Void, abandoned: @escaping () -> Void = {}
    ) {
        self.channels = channels
        self.abandoned = abandoned
        endsWithPeer = false
        awaited = .confirmations(unconfirmed, then: then)
    }

    /// Waits for the outcome of a publish.
    init(
        then: @escaping (Result<Published, CommandRefusal>) -> Void, abandoned: @escaping () -> Void = {}
    ) {
        channels = []
        endsWithPeer = false
        self.abandoned = abandoned
        awaited = .outcome(then: then)
    }

    /// Waits for the outcomes of several publishes; those that are nil follow.
    init(outcomes: [PublishOutcome?], then: @escaping ([PublishOutcome]) -> Void) {
        channels = []
        endsWithPeer = false
        abandoned = {}
        awaited = .outcomes(outcomes, missing: outcomes.count { $0 == nil }, then: then)
    }

    /// Waits for the histories of channels that were acquired for the connection.
    ///
    /// - Parameters:
    ///   - lookups: what is read.
    ///   - then: takes the readings by channel.
    ///   - abandoned: gives back what the connection has besides its channels.
    init(
        channels: [String], reading lookups: [HistoryLookup],
        then: @escaping ([ByteName: HistoryReading]) -> Void, abandoned: @escaping () -> Void = {}
    ) {
        self.channels = channels
        endsWithPeer = false
        self.abandoned = abandoned
        awaited = .histories { readings in
            then(Dictionary(zip(lookups.map { ByteName($0.channel) }, readings)) { first, _ in first })
        }
    }

    /// Waits for another answer, which `CommandRunner.answered` is told of.
    ///
    /// - Parameter endsWithPeer: whether the connection ends when the peer has finished, as the answer has no use then.
    init(endsWithPeer: Bool = false, abandoned: @escaping () -> Void) {
        self.endsWithPeer = endsWithPeer
        channels = []
        self.abandoned = abandoned
        awaited = .answer
    }

    /// Whether it waits for an answer that is neither a confirmation nor an outcome.
    var awaitsAnswer: Bool { if case .answer = awaited { true } else { false } }

    /// Takes the confirmation of a channel; returns how to go on, or nil while others are missing.
    func confirmed() -> (() -> Void)? {
        guard case .confirmations(let count, let then) = awaited else { return nil }
        awaited = .confirmations(count - 1, then: then)
        return count == 1 ? then : nil
    }

    /// Takes the outcome of a publish; returns how to go on, or nil if none or others are waited for.
    func published(_ outcome: PublishOutcome, part: Int = 0) -> (() -> Void)? {
        switch awaited {
        case .outcome(let then): return { then(outcome.mapError(CommandRefusal.init)) }
        case .outcomes(var outcomes, var missing, let then):
            guard outcomes.indices.contains(part), outcomes[part] == nil else { return nil }
            awaited = .answer  // one reference only, so that nothing is copied
            outcomes[part] = outcome
            missing -= 1
            guard missing > 0 else { return { then(outcomes.compactMap(\.self)) } }
            awaited = .outcomes(outcomes, missing: missing, then: then)
            return nil
        case .confirmations, .histories, .answer: return nil
        }
    }

    /// Takes the histories of channels; returns how to go on, or nil if none are waited for.
    func read(_ readings: [HistoryReading]) -> (() -> Void)? {
        guard case .histories(let then) = awaited else { return nil }
        return { then(readings) }
    }

    /// The connection ends.
    func abandon() { abandoned() }
}

extension Connection {
    /// Pauses the input until a continuation goes on.
    func wait(for continuation: Continuation) {
        self.continuation = continuation
        pause.insert(.waiting)
    }
}
