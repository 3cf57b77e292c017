import Glibc
import WSLoop

/// The lines of standard input.
struct LineInput {
    private(set) var isAtEnd = false
    /// The beginning of a line whose end has not arrived.
    private var partialLine: [UInt8] = []

    /// Waits for input and returns the lines it completes, without their line feeds.
    mutating func read() throws(SystemError) -> [[UInt8]] {
        let input = try StandardStreams.read()
        var lines: [[UInt8]] = []
        var start = 0
        while let end = input[start...].firstIndex(of: UInt8(ascii: "\n")) {
            lines.append(partialLine + input[start..<end])
            partialLine = []
            start = end + 1
        }
        partialLine.append(contentsOf: input[start...])
        if input.isEmpty {
            isAtEnd = true
            if !partialLine.isEmpty { lines.append(partialLine) }
        }
        return lines
    }
}

/// The blocking calls on standard input, output and error.
enum StandardStreams {
    /// Reads the available input; returns nothing at the end.
    fileprivate static func read() throws(SystemError) -> [UInt8] {
        var result = 0
        let bytes = unsafe [UInt8](unsafeUninitializedCapacity: 65_536) { buffer, count in
            repeat {
                result = unsafe Glibc.read(STDIN_FILENO, buffer.baseAddress, buffer.count)
            } while result < 0 && errno == EINTR
            count = max(result, 0)
        }
        guard result >= 0 else { throw SystemError(code: errno, operation: "read standard input") }
        return bytes
    }

    /// Writes all of `bytes`; returns false on failure.
    @discardableResult
    static func write(_ bytes: [UInt8], to descriptor: Int32) -> Bool {
        var written = 0
        while written < bytes.count {
            let count = unsafe bytes.withUnsafeBytes {
                unsafe Glibc.write(descriptor, $0.baseAddress.map { unsafe $0 + written }, bytes.count - written)
            }
            guard count >= 0 || errno == EINTR else { return false }
            written += max(count, 0)
        }
        return true
    }
}
