import Bytes
import Testing

@testable import PushServer

@Suite struct RecentPublishesTests {
    private let second: UInt64 = 1_000_000_000

    private func key(_ target: String, _ id: String, isUser: Bool = false) -> RecentPublishes.Key {
        RecentPublishes.Key(target: ByteName(target), isUser: isUser, id: ByteName(id))
    }

    @Test func aRepeatGetsTheAnswerOfTheFirst() {
        let recent = RecentPublishes()
        #expect(recent.begin(key("c", "1"), at: 0) == .new)
        #expect(recent.begin(key("c", "1"), at: 1) == .pending)
        recent.end(key("c", "1"), [7])
        #expect(recent.begin(key("c", "1"), at: 299 * second) == .answered([7]))
        for other in [key("d", "1"), key("c", "2"), key("c", "1", isUser: true)] {
            #expect(recent.begin(other, at: 2) == .new)
        }
        #expect(recent.begin(key("c", "1"), at: 300 * second) == .new)
    }

    @Test func whatWasNotPublishedMayBeRepeated() {
        let recent = RecentPublishes()
        #expect(recent.begin(key("c", "1"), at: 0) == .new)
        recent.end(key("c", "1"), nil)
        #expect(recent.begin(key("c", "1"), at: 200 * second) == .new)
        recent.end(key("c", "1"), [7])
        #expect(recent.begin(key("c", "1"), at: 499 * second) == .answered([7]), "the time of the second one counts")
        #expect(recent.begin(key("c", "1"), at: 500 * second) == .new)
    }

    @Test func beyondTheLimitTheOldestAreForgotten() {
        let recent = RecentPublishes(limit: 3)
        for number in 0..<4 {
            #expect(recent.begin(key("c", "\(number)"), at: UInt64(number)) == .new)
            recent.end(key("c", "\(number)"), [UInt8(number)])
        }
        #expect(recent.begin(key("c", "3"), at: 5) == .answered([3]))
        #expect(recent.begin(key("c", "0"), at: 6) == .new)
    }
}
