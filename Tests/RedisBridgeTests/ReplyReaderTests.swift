import Bytes
import Testing

@testable import RedisBridge

struct ReplyReaderTests {
    /// The offsets in `stream` after which a reader is inside a reply.
    private func middle(of stream: [UInt8], inPiecesOf size: Int, limit: Int) throws -> [Int] {
        let reader = try #require(ReplyReader(maxStringBytes: limit))
        var inside: [Int] = []
        for begin in stride(from: 0, to: stream.count, by: size) {
            let end = min(begin + size, stream.count)
            try reader.read(Array(stream[begin..<end]).rawSpan) { _ in true }
            if reader.isMidReply { inside.append(end) }
        }
        return inside
    }

    /// A limit of 4 bytes removes payloads; the reader must still know where such a message ends.
    @Test(arguments: [1 << 20, 4])
    func aReplyThatHasArrivedInPartIsKnown(limit: Int) throws {
        let messages = ["a", "", String(repeating: "x", count: 2000)].map {
            "*3\r\n$3\r\nmsg\r\n$1\r\nc\r\n$\($0.utf8.count)\r\n\($0)\r\n"
        }
        let replies = messages + ["+PONG\r\n", ":1\r\n", "$-1\r\n", "*0\r\n", "-ERR no\r\n"]
        let stream = Array(replies.joined().utf8)
        var (ends, end): (Set<Int>, Int) = ([], 0)
        for reply in replies {
            end += reply.utf8.count
            ends.insert(end)
        }
        for size in [1, 2, 3, 7, 100, stream.count] {
            let cuts = stride(from: size, to: stream.count, by: size) + [stream.count]
            let expected = cuts.filter { !ends.contains($0) }
            #expect(try middle(of: stream, inPiecesOf: size, limit: limit) == expected, "pieces of \(size)")
        }
    }

    @Test func nothingHasArrivedInPartAtTheBeginning() throws {
        let reader = try #require(ReplyReader(maxStringBytes: 10))
        #expect(!reader.isMidReply)
    }
}
