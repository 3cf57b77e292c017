import Synchronization
import Testing

@testable import Channels

/// What a loop's inbox holds.
private enum Posted: Sendable {
    case message(UInt64)
    case reading(joiner: Int, HistoryReading)
}

/// Joins and publishes race: each joiner must get every message once, recovered or live.
@Suite struct RecoveryCutTests {
    @Test func eachMessageIsRecoveredOrLiveAndNeverBoth() async {
        let (loops, publishes, joins) = (2, 4_000, 400)
        let limits = HistoryLimits(maxMessages: publishes, maxAgeSeconds: 3600)
        let directory = ChannelDirectory(loops: loops, isAlwaysReady: true, historyBytesOfChannel: 1 << 26)
        let inboxes = (0..<loops).map { _ in Box() }
        for loop in 0..<loops { _ = directory.acquire("c", loop: loop) }
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<2 {
                group.addTask {
                    for _ in 0..<publishes / 2 {
                        _ = directory.publish(to: "c", keeping: limits, at: 1) {
                            Message(channel: "c", payload: [], position: $0, receivedNanoseconds: 1)
                        } post: { message, loop in
                            inboxes[loop].posted.withLock { $0.append(.message(message.offset!)) }
                        }
                    }
                }
            }
            for loop in 0..<loops {
                group.addTask {
                    for joiner in 0..<joins / loops {
                        let place = StreamPosition(epoch: "", offset: 0)
                        let lookup = HistoryLookup(of: "c", limits, HistoryRequest(recover: place))
                        directory.read([lookup], at: 1) { readings in
                            inboxes[loop].posted.withLock { $0.append(.reading(joiner: joiner, readings[0])) }
                        }
                    }
                }
            }
        }
        for inbox in inboxes { check(inbox.posted.withLock { $0 }, publishes) }
    }

    /// Messages before a reading must be in it, and those after it must follow without a hole.
    private func check(_ posted: [Posted], _ publishes: Int) {
        var live: UInt64 = 0
        var joiners = 0
        for item in posted {
            switch item {
            case .message(let offset):
                #expect(offset == live + 1)
                live = offset
            case .reading(_, let reading):
                joiners += 1
                let isWhole = reading.messages.indices.allSatisfy {
                    reading.messages[$0].offset == UInt64($0) + 1
                }
                #expect(reading.isRecovered == true && isWhole)
                #expect(reading.position?.offset == live && reading.messages.count == Int(live))
            }
        }
        #expect(live == UInt64(publishes) && joiners > 0)
    }
}

private final class Box: Sendable {
    let posted = Mutex<[Posted]>([])
}
