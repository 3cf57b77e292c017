import Testing

@testable import PushServer

@Suite struct LineLimitTests {
    @Test func oneLineASecond() {
        let limit = LineLimit()
        let second: UInt64 = 1_000_000_000
        let times = [5, 5, 6, second, second + 5, second + 6, second + 7, 9 * second, 9 * second + 1]
        #expect(
            times.map { limit.admitsLine(atNanoseconds: $0) } == [
                true, false, false, false, false, true, false, true, false,
            ])
    }
}
