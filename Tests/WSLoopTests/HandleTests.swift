import Glibc
import Testing

@testable import WSLoop

struct HandleTests {
    @Test func aForgottenHandleTraps() async {
        await #expect(processExitsWith: .failure) {
            let loop = try Loop()
            _ = try Timer(on: loop)
            loop.close()
        }
        await #expect(processExitsWith: .success) {
            let loop = try Loop()
            try Timer(on: loop).close()
            loop.close()
        }
    }

    @Test func aLoopThatWasNotClosedTraps() async {
        await #expect(processExitsWith: .failure) {
            _ = try Loop()
        }
    }

    @Test func manyClosedHandlesLeaveNothing() throws {
        final class Owner {}
        try withLoop { loop in
            var closed = 0
            weak var captured: Owner?
            for _ in 0..<500 {
                let owner = Owner()
                captured = owner
                let timer = try Timer(on: loop)
                timer.onEvent { [owner] in _ = owner }
                timer.start(afterMilliseconds: 60_000)
                let hook = try BeforeSleepHook(on: loop)
                timer.close { closed += 1 }
                hook.close { closed += 1 }
            }
            #expect(captured == nil)
            #expect(loop.liveHandles == 1000)
            loop.turn(waiting: false)
            #expect(closed == 1000)
            #expect(loop.liveHandles == 0)
        }
    }

    @Test func aHandleIsFreedAfterItWasClosed() throws {
        try withLoop { loop in
            weak var timer: Timer?
            do {
                let made = try Timer(on: loop)
                timer = made
                made.close()
            }
            // libuv may still use its memory.
            #expect(timer != nil)
            loop.turn(waiting: false)
            #expect(timer == nil)
        }
    }

    @Test func closingALoopTwiceIsHarmless() throws {
        let loop = try Loop()
        loop.close()
        loop.close()
    }

    @Test func theHookRunsBeforeTheLoopSleeps() throws {
        try withLoop { loop in
            var events: [String] = []
            let hook = try BeforeSleepHook(on: loop)
            hook.onEvent { events.append("hook") }
            let soon = try Timer(on: loop)
            soon.onEvent { events.append("soon") }
            soon.start(afterMilliseconds: 0)
            let later = try Timer(on: loop)
            later.onEvent { events.append("later") }
            later.start(afterMilliseconds: 30)
            try loop.turn(for: "the later timer") { events.contains("later") }
            // After the first timer's action, the hook runs before the loop waits for the second timer.
            #expect(events.starts(with: ["soon", "hook"]))
            for handle in [hook, soon, later] as [Handle] { handle.close() }
        }
    }

    @Test func aSignalIsSeenByEveryWatcher() throws {
        try withLoop { loop in
            var seen = 0
            let watchers = try (0..<2).map { _ in
                let watcher = try SignalWatcher(on: loop, signal: SIGUSR1)
                watcher.onEvent { seen += 1 }
                return watcher
            }
            kill(getpid(), SIGUSR1)
            try loop.turn(for: "the signal") { seen == 2 }
            for watcher in watchers { watcher.close() }
        }
    }

    @Test func aSignalThatCannotBeWatchedIsAnError() throws {
        try withLoop { loop in
            #expect(throws: SystemError.self) { try SignalWatcher(on: loop, signal: SIGKILL) }
            loop.turn(waiting: false)
            #expect(loop.liveHandles == 0)
        }
    }

    @Test func aWatcherTellsWhatADescriptorIsReadyFor() throws {
        try withLoop { loop in
            var ends: [Int32] = [-1, -1]
            #expect(unsafe socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0, &ends) == 0)
            let watcher = try PollWatcher(on: loop, descriptor: ends[0])
            var seen: [Readiness] = []
            watcher.onReady { seen.append($0) }
            loop.turn(waiting: false)
            #expect(seen.isEmpty)
            watcher.wait(for: [.readable, .writable])
            loop.turn()
            #expect(seen.last == .writable)
            watcher.wait(for: .readable)
            #expect(watcher.waitingFor == .readable)
            _ = unsafe send(ends[1], "x", 1, 0)
            loop.turn()
            #expect(seen.last == .readable)
            watcher.close { for end in ends { Socket.close(end) } }
            loop.turn(waiting: false)
            #expect(loop.liveHandles == 0)
        }
    }

    @Test func aDescriptorThatIsNoneIsAnError() throws {
        try withLoop { loop in
            #expect(throws: SystemError.self) { try PollWatcher(on: loop, descriptor: 1_000_000) }
        }
    }
}
