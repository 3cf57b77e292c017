import Bytes
import Channels
import Testing

@testable import PushServer

/// What the watchers of a channel are told at once.
@Suite struct PresenceBatchTests {
    private func batch(members: Int, watchers: Int) -> (notices: [DeliveryNotice], counts: PresenceCounts) {
        var table = PresenceTable()
        for _ in 0..<watchers { table.watch(ByteName("c")) }
        for number in 0..<members {
            table.enter(
                ByteName("c"), PresenceMember(id: "\(number)", user: "\(number)", info: nil, isNamed: true))
        }
        var counts = PresenceCounts()
        return (PresenceLink.batch(table.takeChanges()[0], &counts).notices, counts)
    }

    @Test func eachChangeIsTold() {
        let (notices, counts) = batch(members: 5_000, watchers: 1)
        #expect(notices.count == 5_000 && counts.joins == 5_000 && counts.leaves == 0 && counts.summaries == 0)
    }

    /// What 10,000 watchers get at once is 16 MiB together.
    @Test func tooMuchForAllWatchersIsACount() {
        #expect(batch(members: 20, watchers: 10_000).notices.count == 20)
        let (notices, counts) = batch(members: 30, watchers: 10_000)
        let text = Array(#"{"event":"presence","channel":"c","count":30}"#.utf8)
        #expect(notices == [.event(name: "presence", text: text)])
        #expect(counts.joins == 0 && counts.summaries == 1)
    }

    /// One watcher gets 1 MiB at once.
    @Test func tooMuchForOneWatcherIsACount() {
        #expect(batch(members: 20_000, watchers: 1).notices.count == 1)
    }
}
