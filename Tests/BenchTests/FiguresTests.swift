import Testing

@testable import Bench

@Suite struct FiguresTests {
    @Test(arguments: [
        (0, "0"), (999, "999"), (1000, "1,000"), (1_234_567, "1,234,567"), (-1000, "-1,000"),
        (Int.min, "-9,223,372,036,854,775,808"),
    ])
    func thousandsAreSet(number: Int, text: String) {
        #expect(Figures.grouped(number) == text)
    }

    @Test(
        arguments: [
            (0, 2, "0.00"), (3.14159, 2, "3.14"), (3.1, 3, "3.100"), (0.999, 2, "1.00"), (2.5, 0, "3"),
            (-0.06, 1, "-0.1"),
        ] as [(Double, Int, String)])
    func decimalsAreRounded(number: Double, decimals: Int, text: String) {
        #expect(Figures.fixed(number, decimals: decimals) == text)
    }

    @Test(
        arguments: [
            (0, "0.000 ms"), (123_456, "0.123 ms"), (9_999_400, "9.999 ms"), (9_999_600, "10.0 ms"),
            (99_960_000, "100 ms"),
            (999_600_000, "1.00 s"), (12_345_000_000, "12.35 s"),
        ] as [(UInt64, String)])
    func timesHaveAFewDigits(nanoseconds: UInt64, text: String) {
        #expect(Figures.time(nanoseconds) == text)
    }

    @Test func rates() {
        #expect(Figures.rate(0.5) == "0.5/s")
        #expect(Figures.rate(1234.5) == "1,235/s")
        #expect(Figures.perSecond(10, in: 2_000_000_000) == 5)
        #expect(Figures.perSecond(10, in: 0) == 0)
        #expect(Figures.count(1, "message", "messages") == "1 message")
        #expect(Figures.count(2000, "message", "messages") == "2,000 messages")
    }
}
