import Bytes
import TestSupport
import Testing

@testable import Channels
@testable import WebSocket

/// The text of a body without its header.
private func inflated(_ body: [UInt8]) throws -> [UInt8] {
    // The inflater adds the end of a block that WebSockets leave out; here it gets the beginning of one.
    try Inflater().inflate((body + [0]).rawSpan, maxBytes: 1 << 26)
}

/// Texts without a frame, as pieces of bodies in gzip.
@Suite struct GzipTests {
    @Test(arguments: [0, 1, 65_535, 65_536, 140_000])
    func storedPiecesInflateToTheSame(count: Int) throws {
        var random = SeededGenerator(seed: UInt64(count))
        let piece = (0..<count).map { _ in UInt8(truncatingIfNeeded: random.next()) }
        var body: [UInt8] = []
        GzipBody.append(piece.rawSpan, to: &body)
        GzipBody.append(piece.rawSpan, to: &body)
        #expect(body.count == 2 * (count + (count + GzipBody.maxBlockBytes - 1) / GzipBody.maxBlockBytes * 5))
        #expect(try inflated(body) == piece + piece)
    }

    @Test func aMessageIsCompressedOnceForAllStreams() {
        let world = World()
        let json = "{" + String(repeating: #""price":12.5,"#, count: 100) + "}"
        for link in 0..<100 {
            _ = world.hub.connect(Int32(link), "c", form: WireForm(encoder: 2, deflated: .bits12))
        }
        world.hub.deliver("c", json)
        world.hub.flush()
        #expect(world.hub.takeCounts().compressions == 1)
        let first = world.transport[0].bytes
        #expect(first.count < json.utf8.count / 4)
        #expect((0..<100).allSatisfy { world.transport[Int32($0)].bytes == first })
    }

    /// Streams that join and leave get in gzip what others get as it is.
    @Test(arguments: 0..<12) func inGzipComesWhatComesWithout(seed: Int) throws {
        var random = SeededGenerator(seed: UInt64(seed))
        let world = World()
        let pairs = (0..<6).map { number in
            (plain: connect(world, number * 2, deflated: false), gzip: connect(world, number * 2 + 1, deflated: true))
        }
        for step in 0..<60 {
            let (plain, gzip) = pairs[Int.random(in: 0..<pairs.count, using: &random)]
            let channel = ["a", "b"][Int.random(in: 0..<2, using: &random)]
            switch Int.random(in: 0..<10, using: &random) {
            case 0: for slot in [plain, gzip] { world.hub.join(slot, channel) }
            case 1: for slot in [plain, gzip] { world.hub.leave(slot, channel) }
            case 2: world.hub.tell(.gap(seconds: Double(step)), of: channel)
            case 3: world.hub.deliver(message(channel, "x\(step)"), except: [plain, gzip])
            case 4: world.hub.flush()
            default: world.hub.deliver(message(channel, text(&random)))
            }
            while world.hub.nextEvent() != nil {}
        }
        world.hub.flush()
        for number in 0..<pairs.count {
            let plain = world.transport.bytes(Int32(number * 2))
            #expect(try inflated(world.transport.bytes(Int32(number * 2 + 1))) == plain)
        }
    }

    /// Each third stream has a prefix of its own before each message.
    private func connect(_ world: World, _ link: Int, deflated: Bool) -> UInt32 {
        let isPrefixed = (link / 2).isMultiple(of: 3)
        let slot = world.hub.connect(
            Int32(link), "a", form: WireForm(encoder: isPrefixed ? 3 : 2, deflated: deflated ? .bits12 : nil))
        if isPrefixed { world.hub.setPrefix(NumberPrefix(), of: slot) }
        return slot
    }

    /// Mostly small, sometimes as large as several blocks; some of it does not get smaller.
    private func text(_ random: inout SeededGenerator) -> String {
        let letters: ClosedRange<UInt8> = random.chance(30) ? 97...99 : 32...126
        let count = Int.random(in: 0...(random.chance(3) ? 70_000 : 400), using: &random)
        return String(decoding: (0..<count).map { _ in .random(in: letters, using: &random) }, as: UTF8.self)
    }

    /// A client that is too slow loses whole pieces.
    @Test func whatIsDroppedLeavesTheRestReadable() throws {
        let world = World(outboxLimitBytes: 600, policies: SlowConsumerPolicies(.dropOldest))
        let slot = world.hub.connect(1, "a", form: WireForm(encoder: 2, deflated: .bits12))
        var random = SeededGenerator(seed: 9)
        for number in 0..<200 {
            world.transport[1].room = Int.random(in: 0...60, using: &random)
            let filler = String(repeating: "x", count: Int.random(in: 0...300, using: &random))
            world.hub.deliver("a", "<\(number)>" + filler)
            world.hub.makeRoom(slot)
        }
        world.transport[1].room = nil
        world.hub.makeRoom(slot)
        let text = String(decoding: try inflated(world.transport.bytes(1)), as: UTF8.self)
        let numbers = text.split(separator: "<").compactMap { Int($0.prefix { $0.isNumber }) }
        #expect(numbers == numbers.sorted() && numbers.last == 199 && numbers.count < 200)
        #expect(text.contains("missed of a: "))
    }
}
