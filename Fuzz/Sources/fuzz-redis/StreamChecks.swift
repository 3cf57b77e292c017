import Bytes
import FuzzSupport

@testable import RedisBridge

/// Redis' output is read the same however it is split, and its messages reach their channels.
func checkStream(_ input: inout FuzzInput) {
    // hiredis allocates as much as an array announces; Redis is trusted not to announce too much.
    guard !announcesLargeArray(input.bytes) else { return }
    // Often short enough that strings are left out.
    let maxStringBytes = input.random.pick(1 << 20, 0, 1, 4, 9, 30)
    let pushes = input.random.sameHoweverCut(input.bytes) { readPushes($0, maxStringBytes) }
    let longest = pushes.flatMap({ $0 }).map({ $0.count }).max() ?? 0
    // The reader limits lines in another way.
    let hasLines = input.bytes.contains { "+-:".utf8.contains($0) }
    expect(hasLines || longest <= maxStringBytes, "a string of \(longest) bytes")
    let map = RedisChannelMap(prefix: "push:", aliases: [("global_channel", "global")])
    for push in pushes where push.count > 2 && push[0].first == UInt8(ascii: "m") {
        let name = push[1]
        guard let channel = map.channel(forRedis: name.rawSpan) else { continue }
        checkEnvelope(channel: channel, payload: push[2])
    }
}

private func announcesLargeArray(_ bytes: [UInt8]) -> Bool {
    bytes.indices.contains { start in
        bytes[start] == UInt8(ascii: "*") && bytes[start...].dropFirst().prefix { $0 != 0x0D }.count > 2
    }
}

/// The elements of each reply, in the way the bridge reads them.
private func readPushes(_ pieces: [[UInt8]], _ maxStringBytes: Int) -> [[[UInt8]]] {
    let reader = expectSome(ReplyReader(maxStringBytes: maxStringBytes), "a reader")
    var pushes: [[[UInt8]]] = []
    for piece in pieces {
        do throws(ReplyViolation) {
            try reader.read(piece.rawSpan) { reply in
                pushes.append(elements(of: reply))
                return true
            }
        } catch {
            break
        }
    }
    return pushes
}

private func elements(of reply: RedisReply) -> [[UInt8]] {
    _ = reply.errorText.map { ClusterRedirection(error: $0) }
    _ = reply.integer
    _ = reply.text
    return (0..<3).compactMap { index in
        reply.element(index).map { element in
            var bytes: [UInt8] = []
            element.withBytes { bytes.append($0) }
            return bytes
        }
    }
}
