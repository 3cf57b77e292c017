import AsyncLoop
import Glibc
import Testing
import WSLoop

struct ServiceTests {
    @Test func datagramsArriveWithTheirSender() async throws {
        try await onLoop { loop in
            let one = try await loop.datagrams(on: localAddress())
            let other = try await loop.datagrams(on: localAddress())
            async let received = one.receive()
            try await other.send([1, 2, 3], to: one.address)
            let datagram = try await received
            #expect(datagram.bytes == [1, 2, 3] && datagram.peer == other.address)
            try await one.send([], to: other.address)
            let empty = try await other.receive()
            #expect(empty.bytes.isEmpty)
            await #expect(throws: StreamError.timedOut(.milliseconds(2))) {
                try await one.receive(within: .milliseconds(2))
            }
            one.close()
            other.close()
        }
    }

    @Test func blockingCodeRunsBesideTheLoopWithALimit() async throws {
        try await onLoop(LoopOptions(blockingThreads: 2)) { loop in
            let running = Counter()
            let excess = Counter()
            let results = try await withThrowingTaskGroup(of: Int.self) { group in
                for number in 0..<20 {
                    group.addTask {
                        try await loop.runBlocking {
                            #expect(!loop.isCurrent)
                            if running.add() > 2 { excess.add() }
                            usleep(1000)
                            running.add(-1)
                            return number
                        }
                    }
                }
                return try await group.reduce(into: Set<Int>()) { $0.insert($1) }
            }
            #expect(results == Set(0..<20))
            #expect(excess.value == 0)
            await #expect(throws: TestFailure.self) {
                try await loop.runBlocking { throw TestFailure(description: "meant") }
            }
        }
    }

    @Test func blockingCodeThatWaitsCanBeCancelled() async throws {
        try await onLoop(LoopOptions(blockingThreads: 1)) { loop in
            let gate = Semaphore()
            let first = Task(executorPreference: loop) { try await loop.runBlocking { gate.wait() } }
            let second = Task(executorPreference: loop) { try await loop.runBlocking {} }
            try await loop.turn(for: "the first call") { !loop.report().pending.isEmpty }
            second.cancel()
            await #expect(throws: CancellationError.self) { try await second.value }
            first.cancel()  // it has begun, so it goes on
            gate.signal()
            _ = try? await first.value
        }
    }

    @Test func filesAreWrittenAndRead() async throws {
        try await onLoop { loop in
            let path = "/tmp/asyncloop-test-\(getpid())-\(UInt64.random(in: .min ... .max))"
            try await loop.writeFile(path, Array("hello".utf8))
            let content = try await loop.readFile(path)
            #expect(content == Array("hello".utf8))
            let file = try await loop.open(path, for: .updating)
            try await file.write([33], at: 5)
            try await file.synchronize()
            let size = try await file.size()
            #expect(size == 6)
            let tail = try await file.read(100, at: 4)
            #expect(tail == Array("o!".utf8))
            let beyond = try await file.read(100, at: 6)
            #expect(beyond.isEmpty)
            #expect(loop.report().pending == ["open file \(path)"])
            file.close()
            await #expect(throws: FileError.closed) { try await file.read(1, at: 0) }
            await #expect(throws: FileError.self) { try await loop.readFile(path + ".none") }
            _ = unsafe unlink(path)
        }
    }

    @Test func aProcessIsFedReadAndAwaited() async throws {
        try await onLoop { loop in
            let output = try await loop.withProcess(.init("cat"), input: .stream) { process in
                try await process.standardInput?.write(Array("through a process".utf8))
                process.standardInput?.endWrites()
                var bytes: [UInt8] = []
                while let part = try await process.standardOutput?.read() { bytes += part }
                let exit = try await process.exit()
                #expect(exit == .code(0))
                return String(decoding: bytes, as: UTF8.self)
            }
            #expect(output == "through a process")
            let exit = try await loop.withProcess(.init("sh", ["-c", "exit 3"])) { try await $0.exit() }
            #expect(exit == .code(3))
            await #expect(throws: SystemError.self) { try await loop.withProcess(.init("/does/not/exist")) { _ in } }
            #expect(loop.report().pending.isEmpty)
        }
    }

    @Test func aProcessEndsWithItsScope() async throws {
        try await onLoop { loop in
            // One that ignores SIGTERM.
            let command = ChildProcess.Command("sh", ["-c", "trap '' TERM; echo ready; while :; do sleep 1; done"])
            let number = try await loop.withProcess(command, grace: .milliseconds(10)) { process in
                _ = try await process.standardOutput?.read()
                return process.identifier
            }
            #expect(kill(number, 0) == -1 && errno == ESRCH)
            let ended = Task(executorPreference: loop) {
                try await loop.withProcess(.init("sleep", ["1000"])) { try await $0.exit() }
            }
            try await loop.turn(for: "the process") { loop.report().pending.contains { $0.hasPrefix("process") } }
            ended.cancel()
            await #expect(throws: CancellationError.self) { try await ended.value }
        }
    }

    @Test func signalsArrive() async throws {
        try await onLoop { loop in
            var signals = loop.signals(SIGUSR2).makeAsyncIterator() as SignalSequence.AsyncIterator?
            kill(getpid(), SIGUSR2)
            #expect(await signals?.next() == SIGUSR2)
            #expect(loop.report().pending == ["signals [\(SIGUSR2)]"])
            signals = nil
            #expect(loop.report().pending.isEmpty)
        }
    }
}
