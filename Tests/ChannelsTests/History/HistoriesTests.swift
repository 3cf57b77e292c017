import Bytes
import Synchronization
import TestSupport
import Testing

@testable import Channels

private let second: UInt64 = 1_000_000_000

private func histories(budget: Int = 1 << 20, perChannel: Int = 1 << 19) -> Histories {
    let made = Mutex(0)
    return Histories(budgetBytes: budget, maxBytesOfChannel: perChannel) {
        let number = made.withLock { count in
            count += 1
            return count
        }
        return "e\(number)"
    }
}

private func limits(_ count: Int = 10, _ seconds: Int = 60) -> HistoryLimits {
    HistoryLimits(maxMessages: count, maxAgeSeconds: seconds)
}

extension Histories {
    @discardableResult
    fileprivate mutating func add(
        _ channel: String, _ limits: HistoryLimits, _ text: String = "x", at now: UInt64 = 0
    ) -> Message {
        append(to: channel, limits, at: now) {
            Message(channel: channel, payload: Array(text.utf8), position: $0, receivedNanoseconds: now)
        }
    }

    fileprivate mutating func texts(
        _ channel: String, _ request: HistoryRequest, _ limits: HistoryLimits, at now: UInt64 = 0
    ) -> [String] {
        read(channel, limits, request, at: now).messages.map { String(decoding: $0.payload, as: UTF8.self) }
    }
}

@Suite struct HistoriesTests {
    @Test func numbersBeginAtOneAndHaveNoHoles() {
        var histories = histories()
        for number in 1...5 { #expect(histories.add("a", limits()).offset == UInt64(number)) }
        #expect(histories.add("b", limits()).offset == 1)
        let reading = histories.read("a", limits(), HistoryRequest(), at: 0)
        #expect(reading == HistoryReading(position: StreamPosition("e1:5")!, isRecovered: nil, messages: []))
        #expect(histories.read("c", limits(), HistoryRequest(), at: 0).position == StreamPosition("e3:0"))
    }

    @Test(arguments: [
        ("e1:0", false, []), ("e1:1", false, []), ("e1:2", true, ["3", "4", "5"]), ("e1:4", true, ["5"]),
        ("e1:5", true, []), ("e1:6", false, []), ("e2:5", false, []), (":3", true, ["4", "5"]), (":9", false, []),
        ("e1:18446744073709551615", false, []),
    ]) func recoversOnlyWhatIsCompletelyThere(place: String, isRecovered: Bool, expected: [String]) {
        var histories = histories()
        for number in 1...5 { histories.add("a", limits(3), "\(number)") }
        let request = HistoryRequest(recover: StreamPosition(place))
        let reading = histories.read("a", limits(3), request, at: 0)
        #expect(reading.isRecovered == isRecovered)
        #expect(reading.messages.map { String(decoding: $0.payload, as: UTF8.self) } == expected)
        #expect(reading.position == StreamPosition("e1:5"))
    }

    @Test func theLastMessagesComeInOrder() {
        var histories = histories()
        for number in 1...5 { histories.add("a", limits(), "\(number)") }
        #expect(histories.texts("a", HistoryRequest(last: 2), limits()) == ["4", "5"])
        #expect(histories.texts("a", HistoryRequest(last: 100), limits()) == ["1", "2", "3", "4", "5"])
        // What cannot be recovered is replaced by the last ones, if they are wanted.
        #expect(histories.texts("a", HistoryRequest(recover: StreamPosition("e9:1"), last: 1), limits()) == ["5"])
    }

    @Test func oldMessagesAreGone() {
        var histories = histories()
        histories.add("a", limits(10, 60), "1", at: 0)
        histories.add("a", limits(10, 60), "2", at: 30 * second)
        #expect(histories.texts("a", HistoryRequest(last: 9), limits(10, 60), at: 59 * second) == ["1", "2"])
        #expect(histories.texts("a", HistoryRequest(last: 9), limits(10, 60), at: 60 * second) == ["2"])
        histories.sweep(1, at: 90 * second) { _ in false }
        #expect(histories.counts.messages == 0)
        // The numbers go on.
        #expect(histories.read("a", limits(), HistoryRequest(), at: 90 * second).position == StreamPosition("e1:2"))
    }

    @Test func unusedChannelsAreForgottenAndAllMemoryIsBack() {
        var histories = histories()
        for number in 0..<1000 { histories.add("c\(number)", limits(10, 60)) }
        histories.sweep(2000, at: 3601 * second) { $0 == ByteName("c7") }
        histories.sweep(2000, at: 3601 * second) { $0 == ByteName("c7") }
        #expect(histories.counts.channels == 1)
        histories.sweep(1, at: 3601 * second) { _ in false }
        #expect(histories.counts == HistoryCounts())
    }

    @Test func clearingKeepsTheNumbers() {
        var histories = histories()
        for _ in 1...3 { histories.add("a", limits()) }
        histories.clear("a")
        histories.clear("unknown")
        #expect(histories.counts.messages == 0)
        let reading = histories.read("a", limits(), HistoryRequest(recover: StreamPosition("e1:2")), at: 0)
        #expect(reading.isRecovered == false && reading.position == StreamPosition("e1:3"))
    }

    @Test func oneChannelHasAByteLimit() {
        var histories = histories(perChannel: 10_000)
        for _ in 0..<100 { histories.add("a", limits(1000), String(repeating: "x", count: 1000)) }
        #expect(histories.counts.messages == 8)
        // A message that is larger on its own is numbered, and not kept.
        let large = histories.add("a", limits(1000), String(repeating: "x", count: 10_000))
        #expect(large.offset == 101 && histories.counts.messages == 0)
    }

    @Test func theBudgetHoldsAndUnusedChannelsGiveWayFirst() {
        var histories = histories(budget: 100_000)
        for round in 0..<50 {
            for channel in 0..<20 {
                histories.add("c\(channel)", limits(1000), String(repeating: "x", count: 500), at: UInt64(round))
                #expect(histories.counts.bytes <= 100_000)
            }
        }
        #expect(histories.counts.shedMessages > 0)
        for number in 0..<100 {
            histories.add("busy", limits(50), String(repeating: "x", count: 500), at: UInt64(200 + number))
        }
        #expect(histories.read("busy", limits(50), HistoryRequest(last: 99), at: 300).messages.count == 50)
    }

    @Test func manyNamesWithoutMessagesAreForgottenWithinTheBudget() {
        var histories = histories(budget: 50_000)
        for number in 0..<10_000 {
            _ = histories.read("name\(number)", limits(), HistoryRequest(), at: UInt64(number))
            #expect(histories.counts.bytes <= 50_000)
        }
        // The one that was used last is remembered.
        let reading = histories.read("name9999", limits(), HistoryRequest(), at: 10_000)
        #expect(reading.position == StreamPosition("e10000:0"))
    }

    /// A naive history keeps everything; what the fast one gives must be the end of that.
    @Test(arguments: 0..<20) func agreesWithANaiveHistory(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        var histories = histories(budget: Int.random(in: 5_000...200_000, using: &random), perChannel: 20_000)
        var all: [String: [String]] = [:]
        var epochs: [String: String] = [:]
        for step in 0..<2000 {
            let now = UInt64(step) * second / 10
            let channel = "c\(Int.random(in: 0..<5, using: &random))"
            let limits = limits(5, 30)
            guard let before = histories.read(channel, limits, HistoryRequest(), at: now).position else { continue }
            if epochs[channel] != before.epoch {  // the budget has taken its numbers too
                epochs[channel] = before.epoch
                all[channel] = []
            }
            #expect(before.offset == UInt64(all[channel, default: []].count))
            if Bool.random(using: &random) {
                histories.add(channel, limits, "\(step)", at: now)
                all[channel, default: []].append("\(step)")
            }
            let known = all[channel, default: []]
            let has = Int.random(in: 0...known.count, using: &random)
            let place = StreamPosition(epoch: before.epoch, offset: UInt64(has))
            let reading = histories.read(channel, limits, HistoryRequest(recover: place), at: now)
            let texts = reading.messages.map { String(decoding: $0.payload, as: UTF8.self) }
            #expect(texts == (reading.isRecovered == true ? Array(known[has...]) : []))
            #expect(reading.isRecovered == true || known.count - has > 0)
            histories.sweep(1, at: now) { _ in true }
        }
    }
}

@Suite struct StreamPositionTests {
    @Test(arguments: ["e:12", ":0", "a:b:7", "e:18446744073709551615"]) func readsWhatItWrites(text: String) {
        #expect(StreamPosition(text)?.description == text)
    }

    @Test(arguments: [
        "", "e", "e:", "e:-1", "e:+1", "e:1.5", "e:1 ", "e:18446744073709551616", "e:٣",
        String(repeating: "e", count: 65) + ":1",
    ]) func refusesWhatIsNone(text: String) {
        #expect(StreamPosition(text) == nil)
    }
}
