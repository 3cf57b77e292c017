import Glibc
import WSLoop

/// A file of input.
struct Input: Sendable {
    static let suffix = ".jsonl.gz"

    let path: String
    /// The file's name without the suffix.
    let name: String
    let bytes: Int
}

/// A folder of the file system; all functions block the thread.
struct Folder: Sendable {
    let path: String

    /// The inputs in the folder, ordered by their names.
    func inputs() throws -> [Input] {
        guard let directory = unsafe opendir(path) else { throw problem("open") }
        defer { unsafe closedir(directory) }
        var names: [String] = []
        while let entry = unsafe readdir(directory) {
            let name = unsafe withUnsafeBytes(of: entry.pointee.d_name) { bytes in
                unsafe String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            if name.hasSuffix(Input.suffix) { names.append(name) }
        }
        return try names.sorted().map { name in
            let file = "\(path)/\(name)"
            let descriptor = try SystemFile.open(file, for: .reading).get()
            defer { Socket.close(descriptor) }
            let bytes = try SystemFile.size(descriptor, file).get()
            return Input(path: file, name: String(name.dropLast(Input.suffix.count)), bytes: bytes)
        }
    }

    /// Makes the folder if it does not exist, and reserves it for this process until the process ends.
    func reserve() throws {
        guard unsafe mkdir(path, 0o777) == 0 || errno == EEXIST else { throw problem("make") }
        let descriptor = unsafe Glibc.open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw problem("open") }
        // The lock belongs to the descriptor, which the end of the process closes.
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            throw errno == EWOULDBLOCK ? Failure("another process writes to \(path)") : problem("lock")
        }
    }

    private func problem(_ operation: String) -> SystemError {
        SystemError(code: errno, operation: "\(operation) \(path)")
    }
}
