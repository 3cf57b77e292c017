import Testing

@testable import PushServer

@Suite struct MemoryReturnTests {
    private let mebibyte = 1 << 20

    @Test func `memory is given back once after much was let go`() {
        var memory = MemoryReturn()
        let seen = [0, 100, 99, 98, 97, 96, 95, 94, 0, 0].map {
            memory.isDue(heldBytes: $0 * mebibyte, peakBytes: 0, mayReturn: true)
        }
        #expect(seen == [false, false, false, false, false, true, false, false, true, false])
    }

    @Test func `nothing is given back while more comes`() {
        var memory = MemoryReturn()
        #expect((0..<100).allSatisfy { !memory.isDue(heldBytes: $0 * mebibyte, peakBytes: 0, mayReturn: true) })
    }

    @Test func `a peak between two times counts`() {
        var memory = MemoryReturn()
        let seen = [0, 100, 0, 0].enumerated().map { index, held in
            memory.isDue(heldBytes: 0, peakBytes: held * mebibyte, mayReturn: index == 3)
        }
        #expect(seen == [false, false, false, true])
    }
}
