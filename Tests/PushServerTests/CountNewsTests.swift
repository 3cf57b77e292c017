import Bytes
import Testing

@testable import PushServer

@Suite struct CountNewsTests {
    private let small = ByteName("small")
    private let large = ByteName("large")

    @Test func aLargeChannelIsToldLessOften() {
        var news = CountNews()
        func told(_ changed: Set<ByteName>, at now: UInt64) -> Set<ByteName> {
            Set(news.take(changed, at: now) { $0 == small ? 100 : 101 }.map(\.channel))
        }
        #expect(told([small, large], at: 0) == [small, large])
        #expect(told([small, large], at: 250) == [small])
        #expect(told([], at: 4999).isEmpty)
        #expect(told([], at: 5000) == [large], "the change of before")
        #expect(told([], at: 20_000).isEmpty)
    }

    @Test func veryManyAreToldInTurns() {
        var news = CountNews()
        let all = Set((0..<2500).map { ByteName("c\($0)") })
        var told: [ByteName] = []
        for changed in [all, [], [], []] { told += news.take(changed, at: 0) { _ in 1 }.map(\.channel) }
        #expect(told.count == 2500 && Set(told) == all)
    }
}
