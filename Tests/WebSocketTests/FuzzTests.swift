import Bytes
import TestSupport
import Testing
import WebSocket

@Suite struct FuzzTests {
    @Test(arguments: 1...40 as ClosedRange<UInt64>)
    func randomSessionsGiveTheEventsOfTheNaiveDecoder(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        for _ in 0..<25 {
            let bytes = randomSession(&random)
            let expected = naiveEvents(bytes)
            #expect(!expected.isEmpty)
            for _ in 0..<8 {
                let outcome = feed(bytes, cuts: randomCuts(bytes.count, &random))
                #expect(outcome == Outcome(events: expected), "seed \(seed)")
            }
            #expect(feed(bytes, cuts: Array(0...bytes.count)) == Outcome(events: expected), "seed \(seed)")
        }
    }

    @Test(arguments: 1...40 as ClosedRange<UInt64>)
    func damagedSessionsGiveTheSameOutcomeHoweverTheyAreCut(seed: UInt64) {
        var random = SeededGenerator(seed: seed ^ 0xDA_A6ED)
        for _ in 0..<25 {
            var bytes = randomSession(&random)
            for _ in 0...Int.random(in: 0..<3, using: &random) {
                bytes[Int.random(in: bytes.indices, using: &random)] = UInt8(truncatingIfNeeded: random.next())
            }
            let whole = feed(bytes)
            #expect(feed(bytes, cuts: Array(0...bytes.count)) == whole, "seed \(seed)")
            #expect(feed(bytes, cuts: randomCuts(bytes.count, &random)) == whole, "seed \(seed)")
        }
    }

    @Test func garbageNeverTraps() {
        var random = SeededGenerator(seed: 99)
        for _ in 0..<20_000 {
            let count = Int.random(in: 0...40, using: &random)
            var bytes = random.bytes(count)
            // Half of the input begins like a frame, so that it gets further than the first byte.
            if Bool.random(using: &random), count > 1 {
                bytes[0] = (bytes[0] & 0x80) | ([0, 1, 2, 8, 9, 10].randomElement(using: &random) ?? 0)
                bytes[1] |= 0x80
            }
            #expect(feed(bytes, cuts: Array(0...count)) == feed(bytes))
        }
    }
}

/// Valid frames: messages of all kinds and sizes, in fragments, with control frames between them.
private func randomSession(_ random: inout SeededGenerator) -> [UInt8] {
    var bytes: [UInt8] = []
    for _ in 0...Int.random(in: 0..<6, using: &random) {
        let isText = Bool.random(using: &random)
        let payload = isText ? randomText(&random) : random.bytes(randomSize(&random))
        let cuts = Bool.random(using: &random) ? [] : randomCuts(payload.count, &random)
        var start = 0
        for (index, end) in (cuts + [payload.count]).enumerated() {
            if Int.random(in: 0..<4, using: &random) == 0 { bytes += randomControlFrame(&random) }
            let opcode: UInt8 = index > 0 ? 0x0 : isText ? 0x1 : 0x2
            let isLast = index == cuts.count
            bytes += clientFrame(opcode, Array(payload[start..<end]), fin: isLast, key: random.bytes(4))
            start = end
        }
    }
    if Int.random(in: 0..<3, using: &random) == 0 {
        bytes += clientFrame(0x8, [0x0F, 0xA0] + Array("grüße".utf8), key: random.bytes(4))
    }
    return bytes
}

private func randomControlFrame(_ random: inout SeededGenerator) -> [UInt8] {
    let opcode: UInt8 = Bool.random(using: &random) ? 0x9 : 0xA
    return clientFrame(opcode, random.bytes(Int.random(in: 0...125, using: &random)), key: random.bytes(4))
}

private func randomSize(_ random: inout SeededGenerator) -> Int {
    switch Int.random(in: 0..<8, using: &random) {
    case 0: Int.random(in: 120...130, using: &random)
    case 1: Int.random(in: 0...2_000, using: &random)
    default: Int.random(in: 0...60, using: &random)
    }
}

private func randomText(_ random: inout SeededGenerator) -> [UInt8] {
    let characters = ["a", "b", "ä", "€", "😀", "plain ascii text"]
    return (0..<randomSize(&random)).flatMap { _ in Array((characters.randomElement(using: &random) ?? "").utf8) }
}

private func randomCuts(_ count: Int, _ random: inout SeededGenerator) -> [Int] {
    (0..<Int.random(in: 0...5, using: &random)).map { _ in Int.random(in: 0...count, using: &random) }.sorted()
}

/// A decoder for complete, valid input: no state and no checks, one frame after the other.
private func naiveEvents(_ bytes: [UInt8]) -> [Event] {
    var events: [Event] = []
    var message: [UInt8] = []
    var isText = false
    var rest = bytes[...]
    while let first = rest.popFirst(), let second = rest.popFirst() {
        var length = Int(second & 0x7F)
        if length >= 126 {
            let lengthBytes = length == 126 ? 2 : 8
            length = rest.prefix(lengthBytes).reduce(0) { $0 << 8 | Int($1) }
            rest = rest.dropFirst(lengthBytes)
        }
        let key = Array(rest.prefix(4))
        let payload = rest.dropFirst(4).prefix(length).enumerated().map { $1 ^ key[$0 % 4] }
        rest = rest.dropFirst(4 + length)
        switch first & 0x0F {
        case 0x8:
            let code = UInt16(payload[0]) << 8 | UInt16(payload[1])
            let reason = String(decoding: payload[2...], as: UTF8.self)
            return events + [.close(CloseFrame(code: CloseCode(rawValue: code), reason: reason))]
        case 0x9: events.append(.ping(payload))
        case 0xA: events.append(.pong(payload))
        case let opcode:
            if opcode != 0 { isText = opcode == 0x1 }
            message += payload
            guard first & 0x80 != 0 else { continue }
            events.append(isText ? .text(message) : .binary(message))
            message = []
        }
    }
    return events
}
