import Bytes
import Glibc
import Logging

/// How log lines look.
enum LogFormat: String {
    case text, json
}

/// Writes log lines to standard error, each with one write(2), so that lines of several threads do not mix.
struct StandardErrorLog: LogHandler {
    private let format: LogFormat
    var logLevel: Logger.Level
    var metadata: Logger.Metadata = [:]

    init(format: LogFormat, level: Logger.Level) {
        self.format = format
        logLevel = level
    }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        let pairs = metadata.merging(event.metadata ?? [:]) { $1 }.sorted { $0.key < $1.key }
        let time = StandardErrorLog.timestamp()
        switch format {
        case .text:
            let details = pairs.map { " \($0.key)=\($0.value)" }.joined()
            StandardErrorLog.write("\(time) \(event.level) \(LogText.escaping("\(event.message)\(details)"))\n")
        case .json:
            var line = JSONObjectWriter()
            line.member("time", time)
            line.member("level", "\(event.level)")
            line.member("message", "\(event.message)")
            for pair in pairs { line.member(pair.key, "\(pair.value)") }
            StandardErrorLog.write(bytes: line.finish() + [UInt8(ascii: "\n")])
        }
    }

    static func write(_ line: String) {
        write(bytes: Array(line.utf8))
    }

    private static func write(bytes: [UInt8]) {
        _ = unsafe bytes.withUnsafeBytes { unsafe Glibc.write(STDERR_FILENO, $0.baseAddress, $0.count) }
    }

    /// The time as in RFC 3339, in UTC with milliseconds.
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
