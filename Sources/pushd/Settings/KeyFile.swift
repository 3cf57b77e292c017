import Glibc
import WSLoop

/// A file that holds secret keys, one a line.
struct KeyFile {
    private static let maxBytes = 1 << 20

    let keys: [String]

    /// Reads the file; it may be a pipe.
    ///
    /// - Parameter option: what names the file, to tell which one is wrong; the keys are never told.
    init(_ path: String, of option: String) throws(SettingViolation) {
        guard let bytes = SystemFile.read(path, minBytes: KeyFile.maxBytes) else {
            throw SettingViolation(
                option: option, value: path, expected: "readable: \(unsafe String(cString: strerror(errno)))")
        }
        var keys: [String] = []
        for (index, line) in bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).enumerated() {
            let text = String(decoding: line.last == UInt8(ascii: "\r") ? line.dropLast() : line, as: UTF8.self)
            guard !text.isEmpty else { continue }
            guard let key = OptionValues.key(text) else {
                throw SettingViolation(
                    option: option, value: path, expected: "usable: line \(index + 1) is not a key without spaces")
            }
            keys.append(key)
        }
        guard !keys.isEmpty else {
            throw SettingViolation(option: option, value: path, expected: "usable: it holds no key")
        }
        self.keys = keys
    }
}
