import Bytes
import Channels
import FuzzSupport

/// A simulated kernel: each link accepts as many bytes as it has room for, and may break.
final class ScriptedTransport: HubTransport {
    struct Link {
        var room = Int.max
        var isBroken = false
        var bytes: [UInt8] = []
    }

    var links: [Link] = []
    /// The most bytes that one write accepts.
    var portionBytes = Int.max

    func send(_ writes: PreparedWrites) {
        for index in 0..<writes.count {
            let link = Int(writes.link(index))
            expect(links.indices.contains(link), "a write to link \(link)")
            writes.complete(index, take(bytes(of: writes, index), link))
        }
    }

    func unsentBytes(of link: Int32) -> Int { 0 }

    private func bytes(of writes: PreparedWrites, _ index: Int) -> [UInt8] {
        guard let outbox = writes.outbox(index) else {
            return unsafe Array(writes.piece(index) ?? .init(start: nil, count: 0))
        }
        var bytes: [UInt8] = []
        outbox.forEachPiece {
            bytes.append($0)
            return true
        }
        return bytes
    }

    private func take(_ offered: [UInt8], _ link: Int) -> SendResult {
        expect(!offered.isEmpty, "a write of nothing")
        if links[link].isBroken { return .failed(32) }
        let count = min(offered.count, links[link].room, portionBytes)
        guard count > 0 else { return .blocked }
        if links[link].room < .max { links[link].room -= count }
        links[link].bytes += offered.prefix(count)
        return .accepted(count)
    }
}
