import Glibc
import Synchronization
import WSLoop

/// Writes lines to a descriptor on a thread of its own: a reader that does not read holds up that thread only.
///
/// The bytes that wait are limited. A line past the limit is dropped and counted; when the lines before it have been
/// written, a line says how many are missing.
final class LogWriter: Sendable {
    private struct Backlog {
        var lines: [[UInt8]] = []
        var byteCount = 0
        var dropped = 0
        var isEnding = false

        var isEmpty: Bool { lines.isEmpty && dropped == 0 }
    }

    private static let maxBacklogBytes = 1 << 20

    private let descriptor: Int32
    private let lossLine: @Sendable (_ dropped: Int) -> [UInt8]
    private let backlog = Mutex(Backlog())
    private let droppedTotal = Atomic<Int>(0)
    private let wakeUp = Semaphore()
    private let ended = Semaphore()

    /// - Parameter lossLine: makes the line that says how many lines were dropped.
    init(to descriptor: Int32, lossLine: @escaping @Sendable (_ dropped: Int) -> [UInt8]) {
        self.descriptor = descriptor
        self.lossLine = lossLine
    }

    /// Lines that were never written, so far.
    var droppedLines: Int { droppedTotal.load(ordering: .relaxed) }

    /// Starts the thread; what was handed over before is not lost.
    func start() throws(SystemError) {
        try LoopThread(named: "pushd-log") { [self] in run() }.detach()
    }

    /// Hands over a line, which is written later or dropped; any thread.
    func write(_ line: [UInt8]) {
        let wasEmpty = backlog.withLock { backlog in
            let wasEmpty = backlog.isEmpty
            if backlog.byteCount + line.count <= LogWriter.maxBacklogBytes {
                backlog.lines.append(line)
                backlog.byteCount += line.count
            } else {
                backlog.dropped += 1
                droppedTotal.add(1, ordering: .relaxed)
            }
            return wasEmpty
        }
        if wasEmpty { wakeUp.signal() }
    }

    /// Writes what waits and ends the thread; gives up after that time.
    func end(withinMilliseconds milliseconds: Int) {
        backlog.withLock { $0.isEnding = true }
        wakeUp.signal()
        ended.wait(milliseconds: milliseconds)
    }

    private func run() {
        var isEnding = false
        while !isEnding {
            wakeUp.wait()
            let taken = backlog.withLock { backlog in
                defer { backlog = Backlog() }
                return backlog
            }
            for line in taken.lines { put(line) }
            if taken.dropped > 0 { put(lossLine(taken.dropped)) }
            isEnding = taken.isEnding
        }
        ended.signal()
    }

    /// Writes a line with one write(2), unless the descriptor takes it in parts; lost if it takes nothing any more.
    private func put(_ line: [UInt8]) {
        var rest = line[...]
        while !rest.isEmpty {
            let count = unsafe rest.withUnsafeBytes { unsafe Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if count > 0 {
                rest = rest.dropFirst(count)
            } else if errno == EAGAIN {
                waitForRoom()
            } else if errno != EINTR {
                droppedTotal.add(1, ordering: .relaxed)
                return
            }
        }
    }

    /// A program that shares the descriptor may have made it non-blocking.
    private func waitForRoom() {
        var state = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
        _ = unsafe poll(&state, 1, -1)
    }
}
