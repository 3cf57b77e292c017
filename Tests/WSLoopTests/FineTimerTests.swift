import Testing

@testable import WSLoop

struct FineTimerTests {
    @Test func itFiresOnceAndNotBeforeItsTime() throws {
        try withLoop { loop in
            let timer = try FineTimer(on: loop)
            var fired: [UInt64] = []
            timer.onEvent {
                fired.append(Loop.monotonicNanoseconds)
                loop.stop()
            }
            let time = Loop.monotonicNanoseconds + 300_000
            timer.start(atNanoseconds: time)
            loop.run()
            for _ in 0..<3 { loop.turn(waiting: false) }
            #expect(fired.count == 1)
            #expect(fired.allSatisfy { $0 >= time })
            timer.close()
        }
    }

    @Test(arguments: [0, 1, 1_000_000_000 as UInt64])
    func aTimeThatHasPassedFiresAtOnce(time: UInt64) throws {
        try withLoop { loop in
            let timer = try FineTimer(on: loop)
            var count = 0
            timer.onEvent {
                count += 1
                loop.stop()
            }
            timer.start(atNanoseconds: min(time, Loop.monotonicNanoseconds))
            loop.run()
            #expect(count == 1)
            timer.close()
        }
    }

    @Test func startingAnewReplacesTheTimeAndClosingStops() throws {
        try withLoop { loop in
            let timer = try FineTimer(on: loop)
            var count = 0
            timer.onEvent {
                count += 1
                timer.close()
                timer.close()
            }
            timer.start(atNanoseconds: .max / 2)
            timer.start(atNanoseconds: 1)
            loop.run()
            #expect(count == 1)
            timer.start(atNanoseconds: 1)
        }
    }
}
