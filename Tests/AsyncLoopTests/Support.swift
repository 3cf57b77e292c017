import AsyncLoop
import Glibc
import Synchronization
import WSLoop

struct TestFailure: Error, CustomStringConvertible {
    let description: String
}

/// Runs a test on a loop of its own thread; throws if the test leaves a task or handle.
func onLoop<Value: Sendable>(
    _ options: LoopOptions = LoopOptions(), _ body: @escaping @Sendable (LoopExecutor) async throws -> Value
) async throws -> Value {
    try await withCheckedThrowingContinuation { continuation in
        do {
            try LoopThread(named: "test-loop") {
                continuation.resume(with: Result { try LoopExecutor.run(options, body) })
            }.detach()
        } catch {
            continuation.resume(throwing: error)
        }
    }
}

/// Values that tasks of several threads note.
final class Notes<Value: Sendable>: Sendable {
    private let values = Mutex<[Value]>([])

    func add(_ value: Value) { values.withLock { $0.append(value) } }
    var all: [Value] { values.withLock { $0 } }
    var count: Int { all.count }
}

/// A number that tasks of several threads change.
final class Counter: Sendable {
    private let number = Atomic(0)

    var value: Int { number.load(ordering: .relaxed) }
    @discardableResult
    func add(_ difference: Int = 1) -> Int { number.add(difference, ordering: .relaxed).newValue }
}

extension LoopExecutor {
    /// Lets other tasks run until the condition holds; the deadline only ends a test that would never end.
    func turn(for what: String, until condition: () -> Bool) async throws {
        let deadline = LoopClock.now.advanced(by: .seconds(20))
        while !condition() {
            guard LoopClock.now < deadline else { throw TestFailure(description: "waited in vain for \(what)") }
            try await sleep(for: .milliseconds(1))
        }
    }
}

/// An address of this machine, with a port that the kernel chooses.
func localAddress() throws -> SocketAddress {
    guard let address = SocketAddress(host: "127.0.0.1", port: 0) else { throw TestFailure(description: "no address") }
    return address
}

func unixAddress() throws -> SocketAddress {
    let path = "/tmp/asyncloop-test-\(getpid())-\(UInt64.random(in: .min ... .max)).sock"
    guard let address = SocketAddress(unixPath: path) else { throw TestFailure(description: "no address") }
    return address
}
