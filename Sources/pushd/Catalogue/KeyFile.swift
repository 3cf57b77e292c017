import Glibc
import WSLoop

/// A file with secret keys, one per line.
struct KeyFile {
    private static let maxBytes = 1 << 20
    /// What a key is, in an error.
    static let keyForm = "a key without spaces"

    let path: String
    let keys: [String]

    /// Reads the file, which may be a pipe.
    ///
    /// The keys are never part of an error.
    init(_ path: String) throws(ValueViolation) {
        self.path = path
        let lines = try KeyFile.lines(of: path)
        for (number, text) in lines where !KeyFile.isKey(text) {
            throw ValueViolation(value: path, expected: "usable: line \(number) is not \(KeyFile.keyForm)")
        }
        keys = lines.map(\.text)
    }

    /// The lines of a file that are not empty, with their numbers; there is at least one.
    static func lines(of path: String) throws(ValueViolation) -> [(number: Int, text: String)] {
        guard let bytes = SystemFile.read(path, minBytes: KeyFile.maxBytes) else {
            throw ValueViolation(value: path, expected: "readable: \(unsafe String(cString: strerror(errno)))")
        }
        let lines = bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).enumerated().map {
            let line = $1.last == UInt8(ascii: "\r") ? $1.dropLast() : $1
            return (number: $0 + 1, text: String(decoding: line, as: UTF8.self))
        }.filter { !$0.text.isEmpty }
        guard !lines.isEmpty else { throw ValueViolation(value: path, expected: "usable: it holds no key") }
        return lines
    }

    /// Whether a header field can carry a text as one word.
    static func isKey(_ text: String) -> Bool {
        !text.isEmpty && !text.utf8.contains { $0 <= 0x20 || $0 == 0x7F }
    }
}
