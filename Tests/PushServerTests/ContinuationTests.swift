import Broker
import Protocols
import Testing

@testable import PushServer

@Suite struct ContinuationTests {
    @Test(arguments: 1...4)
    func goesOnWithTheLastConfirmation(unconfirmed: Int) {
        var runs = 0
        let continuation = Continuation(channels: ["a"], unconfirmed: unconfirmed) { runs += 1 }
        for _ in 1..<unconfirmed { #expect(continuation.confirmed() == nil) }
        #expect(continuation.published(.success(Published())) == nil, "no message was published")
        continuation.confirmed()?()
        #expect(runs == 1)
        #expect(continuation.confirmed() == nil, "it has gone on")
    }

    @Test(
        arguments: [
            (.success(Published(subscribers: 3)), .success(Published(subscribers: 3))),
            (.failure(BrokerFailure("away")), .failure(.publishFailed("away"))),
        ] as [(PublishOutcome, Result<Published, CommandRefusal>)])
    func goesOnWithTheOutcome(outcome: PublishOutcome, result: Result<Published, CommandRefusal>) {
        var taken: [Result<Published, CommandRefusal>] = []
        let continuation = Continuation { taken.append($0) }
        #expect(continuation.channels.isEmpty)
        #expect(continuation.confirmed() == nil, "no channel is waited for")
        continuation.published(outcome)?()
        #expect(taken == [result])
    }

    @Test func givesBackWhatItHasWhenItIsAbandoned() {
        var (runs, abandoned) = (0, 0)
        let continuation = Continuation(channels: ["a"], unconfirmed: 1) {
            runs += 1
        } abandoned: {
            abandoned += 1
        }
        continuation.abandon()
        #expect((runs, abandoned) == (0, 1))
    }
}
