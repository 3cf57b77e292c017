import AsyncLoop
import Glibc
import Synchronization

/// Counts what is done, and shows it on standard error.
final class Progress: Sendable {
    private struct Totals {
        var lines = 0
        var dropped = 0
        var files = 0
        var oldFiles = 0
        var bytes = 0
    }

    private let totals = Mutex(Totals())
    private let bytes: Int
    private let begin = LoopClock.now

    /// `bytes` is the size of all inputs.
    init(bytes: Int) { self.bytes = bytes }

    /// Counts a complete file; an old one is from an earlier run.
    func add(_ receipt: Receipt, isOld: Bool) {
        totals.withLock {
            $0.lines += receipt.lines
            $0.dropped += receipt.dropped
            $0.files += 1
            if isOld { $0.oldFiles += 1 }
        }
    }

    /// Counts bytes of input.
    func add(bytes: Int) { totals.withLock { $0.bytes += bytes } }

    /// Shows a bar on a terminal, and otherwise a line every few seconds, until the task is cancelled.
    func show(on loop: LoopExecutor) async {
        do throws(CancellationError) {
            if isatty(STDERR_FILENO) == 1 { try await draw(on: loop) }
            while true {
                try await loop.sleep(for: .seconds(5))
                say("\(line)\n")
            }
        } catch {}
    }

    private func draw(on loop: LoopExecutor) async throws(CancellationError) {
        let clearRest = "\u{1B}[K"
        defer { say("\r\(clearRest)") }
        while true {
            say("\r\(bar) \(line)\(clearRest)")
            try await loop.sleep(for: .milliseconds(200))
        }
    }

    /// The result in one line.
    var summary: String {
        let totals = totals.withLock { $0 }
        return "\(totals.lines) lines read, \(totals.lines - totals.dropped) written, \(totals.dropped) dropped; "
            + "\(totals.files) files, \(totals.oldFiles) of them from earlier runs"
    }

    private var line: String {
        let totals = totals.withLock { $0 }
        let elapsed = max(begin.duration(to: LoopClock.now) / .seconds(1), 0.001)
        let speed = Int(Double(totals.bytes) / elapsed / 1e6)
        let left = Double(bytes - totals.bytes) / max(Double(totals.bytes) / elapsed, 1)
        return
            "\(percent(totals)) %, \(speed) MB/s, \(totals.lines) lines, \(totals.dropped) dropped, \(Int(left)) s left"
    }

    private var bar: String {
        let width = 30
        let filled = totals.withLock { percent($0) } * width / 100
        return "[" + String(repeating: "#", count: filled) + String(repeating: " ", count: width - filled) + "]"
    }

    private func percent(_ totals: Totals) -> Int { bytes > 0 ? min(100, totals.bytes * 100 / bytes) : 100 }

    private func say(_ text: String) {
        var text = text
        text.withUTF8 { unsafe _ = Glibc.write(STDERR_FILENO, $0.baseAddress, $0.count) }
    }
}
