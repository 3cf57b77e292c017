// Both imports are needed: which header a system type belongs to depends on the module that the compiler loads first.
internal import CUV
internal import Glibc

// Blocking calls, for the threads of the pool.
extension SystemFile {
    /// What a file is opened for.
    public enum Access: Sendable {
        /// An existing file.
        case reading
        /// A file that is made if it does not exist; its content is kept.
        case updating
        /// A file that is made, or emptied if it exists.
        case replacing

        fileprivate var flags: Int32 {
            switch self {
            case .reading: O_RDONLY
            case .updating: O_RDWR | O_CREAT
            case .replacing: O_RDWR | O_CREAT | O_TRUNC
            }
        }
    }

    /// Opens a file; the caller must close the descriptor.
    public static func open(_ path: String, for access: Access) -> Result<Int32, SystemError> {
        result(unsafe Glibc.open(path, access.flags | O_CLOEXEC, 0o666), "open \(path)")
    }

    /// Reads at most `maxBytes` from `offset` on; no byte at the end of the file.
    public static func read(
        _ descriptor: Int32, _ maxBytes: Int, at offset: Int, _ path: String
    ) -> Result<[UInt8], SystemError> {
        var count = 0
        let bytes = unsafe [UInt8](unsafeUninitializedCapacity: maxBytes) { buffer, filled in
            count = unsafe pread(descriptor, buffer.baseAddress, maxBytes, offset)
            filled = max(count, 0)
        }
        return result(count, "read \(path)").map { _ in bytes }
    }

    /// Writes all bytes from `offset` on.
    public static func write(
        _ bytes: [UInt8], to descriptor: Int32, at offset: Int, _ path: String
    ) -> Result<Void, SystemError> {
        var written = 0
        while written < bytes.count {
            let count = unsafe bytes.withUnsafeBytes { bytes in
                unsafe pwrite(
                    descriptor, bytes.baseAddress.map { unsafe $0 + written }, bytes.count - written, offset + written)
            }
            guard count >= 0 else { return .failure(SystemError(code: errno, operation: "write \(path)")) }
            written += count
        }
        return .success(())
    }

    /// Waits until the data is on the disk.
    public static func synchronize(_ descriptor: Int32, _ path: String) -> Result<Void, SystemError> {
        result(fdatasync(descriptor), "synchronize \(path)").map { _ in }
    }

    /// The size of a file in bytes.
    public static func size(_ descriptor: Int32, _ path: String) -> Result<Int, SystemError> {
        var status = stat()
        return result(unsafe fstat(descriptor, &status), "look at \(path)").map { _ in status.st_size }
    }

    /// The whole content of a file.
    public static func contents(_ path: String) -> Result<[UInt8], SystemError> {
        guard let bytes = read(path, minBytes: .max) else {
            return .failure(SystemError(code: errno, operation: "read \(path)"))
        }
        return .success(bytes)
    }

    /// Writes a file beside the old one, and then puts it in the old one's place.
    public static func replace(_ path: String, with bytes: [UInt8]) -> Result<Void, SystemError> {
        let draft = path + ".part"
        return open(draft, for: .replacing).flatMap { descriptor in
            defer { Socket.close(descriptor) }
            return write(bytes, to: descriptor, at: 0, draft).flatMap { synchronize(descriptor, draft) }
        }.flatMap { result(unsafe rename(draft, path), "rename \(draft)").map { _ in } }
    }

    private static func result<Value: BinaryInteger>(_ value: Value, _ operation: String) -> Result<Value, SystemError>
    {
        value < 0 ? .failure(SystemError(code: errno, operation: operation)) : .success(value)
    }
}
