import Bytes
import TestSupport
import Testing

@testable import Channels

private func timed(_ channel: String, _ text: String, key: String? = nil, every interval: UInt64 = 10) -> Message {
    Message(
        channel: channel, payload: Array(text.utf8), key: key, intervalNanoseconds: interval, receivedNanoseconds: 0)
}

extension Conflater {
    fileprivate mutating func texts(at now: UInt64) -> [String] {
        takeDue(at: now).map { String(decoding: $0.message.payload, as: UTF8.self) }
    }
}

@Suite struct ConflaterTests {
    @Test func theFirstPassesAndTheNewestFollowsAtTheEnd() {
        var conflater = Conflater()
        #expect(conflater.hold(timed("a", "1"), at: 100) == (false, 0))
        #expect(conflater.nextEnd == 110)
        #expect(conflater.hold(timed("a", "2"), at: 101) == (true, 0))
        #expect(conflater.hold(timed("a", "3"), at: 102) == (true, 1))
        #expect(conflater.hold(timed("b", "4"), at: 103) == (false, 0), "another channel")
        #expect(conflater.texts(at: 109) == [])
        #expect(conflater.texts(at: 110) == ["3"])
        #expect(conflater.hold(timed("a", "5"), at: 111) == (true, 0), "the next interval")
        #expect(conflater.texts(at: 120) == ["5"])
        #expect(conflater.texts(at: 130) == [])
        #expect(conflater.isEmpty && conflater.nextEnd == nil)
        #expect(conflater.hold(timed("a", "6"), at: 131) == (false, 0), "after a pause")
    }

    @Test func eachKeyHasItsNewestInTheOrderOfArrival() {
        var conflater = Conflater()
        _ = conflater.hold(timed("a", "0"), at: 0)
        for (text, key) in [("1", "x"), ("2", nil), ("3", "y"), ("4", "x"), ("5", "e\u{301}"), ("6", "\u{E9}")] {
            _ = conflater.hold(timed("a", text, key: key), at: 1)
        }
        #expect(conflater.texts(at: 10) == ["2", "3", "4", "5", "6"])
    }

    @Test func whoJoinsGetsNothingFromBefore() {
        var conflater = Conflater()
        conflater.joined(1, "a")
        _ = conflater.hold(timed("a", "0"), at: 0)
        conflater.joined(2, "a")
        _ = conflater.hold(timed("a", "1", key: "x"), at: 1)
        conflater.joined(3, "a")
        for number in 0..<100 { _ = conflater.hold(timed("a", "\(number)", key: "y"), at: 1) }
        _ = conflater.hold(timed("a", "2", key: "z"), at: 1)
        conflater.joined(4, "a")
        let due = conflater.takeDue(at: 10)
        #expect(due.map(\.joined) == [[3, 4], [4], [4]])
    }

    /// Random messages on channels with different intervals, against the definition: of each interval and key the last.
    @Test(arguments: 1...20 as ClosedRange<UInt64>)
    func whatIsSentIsTheNewest(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        var conflater = Conflater()
        let intervals: [String: UInt64] = ["a": 10, "b": 25, "c": 25]
        var windows: [String: UInt64] = [:]
        var held: [String: [(key: Int, text: String)]] = [:]
        var (sent, expected) = ([] as [String], [] as [String])
        for now in 0..<600 as Range<UInt64> {
            for channel in windows.filter({ $0.value == now }).keys {
                windows[channel] = held[channel]?.isEmpty == false ? now + intervals[channel]! : nil
                expected += (held.removeValue(forKey: channel) ?? []).map(\.text)
            }
            sent += conflater.texts(at: now)
            #expect(sent.sorted() == expected.sorted())
            guard random.chance(60) else { continue }
            let (channel, key) = (
                ["a", "b", "c"].randomElement(using: &random)!, Int.random(in: 0..<3, using: &random)
            )
            let text = "\(now)"
            let verdict = conflater.hold(timed(channel, text, key: "\(key)", every: intervals[channel]!), at: now)
            #expect(verdict.isHeld == (windows[channel] != nil))
            guard verdict.isHeld else {
                windows[channel] = now + intervals[channel]!
                continue
            }
            let before = held[channel, default: []].count
            held[channel]?.removeAll { $0.key == key }
            #expect(verdict.replaced == before - held[channel, default: []].count)
            held[channel, default: []].append((key, text))
            #expect(conflater.nextEnd == windows.values.min())
        }
    }

    @Test func tooManyBytesAreDueAtOnce() {
        var conflater = Conflater()
        _ = conflater.hold(timed("a", "", every: 1 << 40), at: 0)
        let large = String(repeating: "x", count: 33 << 20)
        _ = conflater.hold(timed("a", large, key: "1", every: 1 << 40), at: 0)
        #expect(conflater.nextEnd == 1 << 40)
        _ = conflater.hold(timed("a", large, key: "2", every: 1 << 40), at: 0)
        #expect(conflater.nextEnd == 0)
        #expect(conflater.takeDue(at: 0).count == 2)
    }

    @Test func whatIsLeftOutIsCountedForEachWhoWouldGetIt() {
        let world = World()
        let slot = world.hub.connect(1, "a.b", "a.*")
        _ = world.hub.connect(2, "a.b")
        for text in ["1", "2", "3"] {
            let message = timed("a.b", text)
            if !world.hub.hold(message, at: 0) { world.hub.deliver(message) }
        }
        _ = world.hub.connect(3, "a.b")
        for (message, joined) in world.hub.takeDue(at: 10) { world.hub.deliver(message, except: joined) }
        world.hub.flush()
        #expect((1...3).map { parseFrames(world.transport.bytes($0)).texts } == [["1", "3"], ["1", "3"], []])
        let counts = world.hub.takeCounts()
        #expect(counts.dropped[DropCause.interval.rawValue] == 2 && counts.droppedBySlowness == 0)
        world.hub.remove(slot)
    }
}
