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
        guard let bytes = SystemFile.read(path, minBytes: KeyFile.maxBytes) else {
            throw ValueViolation(value: path, expected: "readable: \(unsafe String(cString: strerror(errno)))")
        }
        self.path = path
        var keys: [String] = []
        for (index, line) in bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).enumerated() {
            let key = String(decoding: line.last == UInt8(ascii: "\r") ? line.dropLast() : line, as: UTF8.self)
            guard !key.isEmpty else { continue }
            guard KeyFile.isKey(key) else {
                throw ValueViolation(value: path, expected: "usable: line \(index + 1) is not \(KeyFile.keyForm)")
            }
            keys.append(key)
        }
        guard !keys.isEmpty else { throw ValueViolation(value: path, expected: "usable: it holds no key") }
        self.keys = keys
    }

    /// Whether a header field can carry a text as one word.
    static func isKey(_ text: String) -> Bool {
        !text.isEmpty && !text.utf8.contains { $0 <= 0x20 || $0 == 0x7F }
    }
}
