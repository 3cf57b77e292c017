import Glibc
import Synchronization
import WSLoop

/// Writes lines to a descriptor on its own thread, so that a reader that does not read blocks only that thread.
///
/// The waiting bytes are limited. A line over the limit is dropped and counted; after the earlier lines were written, a
/// line says how many are missing.
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

    /// The number of lines dropped so far.
    var droppedLines: Int { droppedTotal.load(ordering: .relaxed) }

    /// Starts the thread; lines that were added before are not lost.
    func start() throws(SystemError) {
        try LoopThread(named: "pushd-log") { [self] in run() }.detach()
    }

    /// Adds a line, which is written later or dropped; may be called on any thread.
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

    /// Writes the waiting lines and ends the thread; gives up after this time.
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

    /// Writes a line with one write(2), or more if the descriptor accepts only a part; the line is lost if it accepts
    /// nothing.
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
