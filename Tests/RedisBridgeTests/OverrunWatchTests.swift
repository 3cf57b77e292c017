import Bytes
import Testing

@testable import RedisBridge

struct OverrunWatchTests {
    /// Runs `body` with the parsed reply.
    private func with(_ reply: String, _ body: (RedisReply) -> Void) throws {
        let reader = try #require(ReplyReader(maxStringBytes: 1 << 20))
        var isRead = false
        try reader.read(Array(reply.utf8).rawSpan) {
            body($0)
            isRead = true
            return true
        }
        #expect(isRead)
    }

    private func info(_ count: Int?) -> String {
        var text = "# Stats\r\ntotal_connections_received:4\r\n"
        if let count { text += "client_output_buffer_limit_disconnections:\(count)\r\n" }
        text += "reply_buffer_shrinks:5\r\n"
        return "$\(text.utf8.count)\r\n\(text)\r\n"
    }

    @Test(arguments: [(0, 0, false), (0, 1, true), (7, 7, false), (7, 9, true)])
    func aCountThatHasRisenTellsOfACut(before: Int, after: Int, hasRisen: Bool) throws {
        var watch = OverrunWatch()
        try with(info(before)) { watch.answered($0) }
        watch.linkProven()
        try with(info(after)) { #expect(watch.hasRisen($0) == hasRisen) }
    }

    @Test func aCountThatCameAfterTheCutIsNoMeasure() throws {
        var watch = OverrunWatch()
        try with(info(3)) { watch.answered($0) }
        watch.linkProven()
        // The next probe has not come back: the link was cut before it, as this reply shows.
        try with(info(4)) { watch.answered($0) }
        try with(info(4)) { #expect(watch.hasRisen($0) == true) }
    }

    @Test func theNextCutIsMeasuredAnew() throws {
        var watch = OverrunWatch()
        try with(info(3)) { watch.answered($0) }
        watch.linkProven()
        try with(info(4)) { #expect(watch.hasRisen($0) == true) }
        watch.linkProven()
        try with(info(4)) { #expect(watch.hasRisen($0) == false) }
    }

    @Test(arguments: ["-NOPERM this user has no permissions\r\n", ":1\r\n", "$-1\r\n", "$7\r\n# Stats\r\n"])
    func aRedisThatDoesNotTellIsAskedOnce(reply: String) throws {
        var watch = OverrunWatch()
        #expect(watch.isWorthAsking)
        try with(reply) { watch.answered($0) }
        #expect(!watch.isWorthAsking)
        watch.linkProven()
        try with(reply) { #expect(watch.hasRisen($0) == nil) }
        try with(info(1)) { #expect(watch.hasRisen($0) == nil, "nothing to compare it with") }
    }
}
