import Testing

@testable import WSLoop

struct TimerTests {
    @Test func timersFireInTheOrderOfTheirDelays() throws {
        try withLoop { loop in
            var fired: [UInt64] = []
            let timers = try [30, 10, 0, 20 as UInt64].map { delay in
                let timer = try Timer(on: loop)
                timer.onEvent { fired.append(delay) }
                timer.start(afterMilliseconds: delay)
                return timer
            }
            let begin = loop.nowMilliseconds
            loop.run()
            #expect(fired == [0, 10, 20, 30])
            #expect(loop.nowMilliseconds - begin >= 30)
            for timer in timers {
                #expect(!timer.isActive)
                timer.close()
            }
        }
    }

    @Test func aRepeatingTimerFiresUntilItIsStopped() throws {
        try withLoop { loop in
            let timer = try Timer(on: loop)
            var count = 0
            timer.onEvent {
                count += 1
                if count == 3 { timer.stop() }
            }
            timer.start(afterMilliseconds: 1, everyMilliseconds: 1)
            #expect(timer.isActive)
            loop.run()
            #expect(count == 3)
            timer.start(afterMilliseconds: 1)
            loop.run()
            #expect(count == 4)
            timer.close()
        }
    }

    @Test func startingAnewReplacesTheDelay() throws {
        try withLoop { loop in
            let timer = try Timer(on: loop)
            var count = 0
            timer.onEvent { count += 1 }
            timer.start(afterMilliseconds: 60_000, everyMilliseconds: 1)
            timer.start(afterMilliseconds: 1)
            loop.run()
            #expect(count == 1)
            timer.close()
        }
    }

    @Test func aTimerMayBeClosedInItsOwnCallback() throws {
        try withLoop { loop in
            let timer = try Timer(on: loop)
            var events: [String] = []
            timer.onEvent {
                events.append("fired")
                timer.close { events.append("closed") }
                events.append("still here")
            }
            timer.start(afterMilliseconds: 1, everyMilliseconds: 1)
            loop.run()
            #expect(events == ["fired", "still here", "closed"])
        }
    }

    @Test func aClosedTimerDoesNothing() throws {
        try withLoop { loop in
            let timer = try Timer(on: loop)
            var count = 0
            timer.close()
            timer.onEvent { count += 1 }
            timer.start(afterMilliseconds: 0)
            timer.stop()
            timer.close { count += 1 }
            #expect(timer.isClosed)
            loop.run()
            #expect(count == 0)
        }
    }

    @Test func stopEndsARunningLoop() throws {
        try withLoop { loop in
            let timer = try Timer(on: loop)
            var count = 0
            timer.onEvent {
                count += 1
                loop.stop()
            }
            timer.start(afterMilliseconds: 0, everyMilliseconds: 1)
            loop.run()
            #expect(count == 1)
            timer.close()
        }
    }
}
