import Glibc

/// A file that holds secret keys, one a line.
struct KeyFile {
    private static let maxBytes = 1 << 20

    let keys: [String]

    /// Reads the file; it may be a pipe.
    ///
    /// - Parameter option: what names the file, to tell which one is wrong; the keys are never told.
    init(_ path: String, of option: String) throws(SettingViolation) {
        guard let bytes = KeyFile.read(path) else {
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

    /// The file's first bytes; nil, with errno, if it cannot be read.
    private static func read(_ path: String) -> [UInt8]? {
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 4096)
        while bytes.count < maxBytes {
            let count = unsafe buffer.withUnsafeMutableBytes { unsafe Glibc.read(descriptor, $0.baseAddress, $0.count) }
            guard count >= 0 else { return nil }
            guard count > 0 else { break }
            bytes += buffer.prefix(count)
        }
        return bytes
    }
}
