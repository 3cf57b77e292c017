import Bytes
import Glibc
import Logging
import Synchronization

/// The format of log lines.
enum LogFormat: String, CaseIterable {
    case text, json
}

/// The level that log lines need to be written, which may change.
final class LogLevel: Sendable {
    private let index: Atomic<Int>

    init(_ level: Logger.Level) {
        index = Atomic(LogLevel.index(of: level))
    }

    var value: Logger.Level {
        get { Logger.Level.allCases[index.load(ordering: .relaxed)] }
        set { index.store(LogLevel.index(of: newValue), ordering: .relaxed) }
    }

    private static func index(of level: Logger.Level) -> Int { Logger.Level.allCases.firstIndex(of: level) ?? 0 }
}

/// Formats log lines and hands them to the writer of standard error.
struct StandardErrorLog: LogHandler {
    private let format: LogFormat
    private let writer: LogWriter
    private let level: LogLevel
    var metadata: Logger.Metadata = [:]

    init(format: LogFormat, level: LogLevel, writer: LogWriter) {
        self.format = format
        self.writer = writer
        self.level = level
    }

    /// That of the whole process.
    var logLevel: Logger.Level {
        get { level.value }
        set { level.value = newValue }
    }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        let metadata = metadata.merging(event.metadata ?? [:]) { $1 }
        writer.write(StandardErrorLog.line(format, event.level, "\(event.message)", metadata))
    }

    /// A line with the current time.
    static func line(
        _ format: LogFormat, _ level: Logger.Level, _ message: String, _ metadata: Logger.Metadata
    ) -> [UInt8] {
        let pairs = metadata.sorted { $0.key < $1.key }
        switch format {
        case .text:
            let details = pairs.map { " \($0.key)=\($0.value)" }.joined()
            return Array("\(timestamp()) \(level) \(LogText.escaping("\(message)\(details)"))\n".utf8)
        case .json:
            var line = JSONObjectWriter()
            line.member("time", timestamp())
            line.member("level", "\(level)")
            line.member("message", message)
            for pair in pairs { line.member(pair.key, "\(pair.value)") }
            return line.finish() + [UInt8(ascii: "\n")]
        }
    }

    /// Writes text that is not a log line, and waits until it is written: a fatal error, or a measurement's progress.
    static func write(_ line: String) {
        let bytes = Array(line.utf8)
        _ = unsafe bytes.withUnsafeBytes { unsafe Glibc.write(STDERR_FILENO, $0.baseAddress, $0.count) }
    }

    /// The time in RFC 3339 format, in UTC with milliseconds.
    private static func timestamp() -> String {
        var now = timespec()
        _ = unsafe clock_gettime(CLOCK_REALTIME, &now)
        var parts = unsafe tm()
        _ = unsafe gmtime_r(&now.tv_sec, &parts)
        let seconds = unsafe [UInt8](unsafeUninitializedCapacity: 32) { buffer, count in
            count = unsafe strftime(buffer.baseAddress, buffer.count, "%Y-%m-%dT%H:%M:%S", &parts)
        }
        let milliseconds = String(now.tv_nsec / 1_000_000 + 1000).dropFirst()
        return "\(String(decoding: seconds, as: UTF8.self)).\(milliseconds)Z"
    }
}
