public import WSLoop

/// Why an operation of a file has failed.
public enum FileError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The task was cancelled before a thread began with the operation.
    case cancelled
    /// The file was closed.
    case closed
    /// A system call failed.
    case system(SystemError)

    /// The failure in words.
    public var description: String {
        switch self {
        case .cancelled: "the task was cancelled"
        case .closed: "the file was closed"
        case .system(let error): error.description
        }
    }
}

/// An open file; its system calls run on libuv's thread pool.
public final class LoopFile: Sendable {
    /// The path that it was opened with.
    public let path: String
    private let loop: LoopExecutor
    private let state: Confined<FileState>

    fileprivate init(_ descriptor: Int32, _ path: String, on loop: LoopExecutor) {
        self.path = path
        self.loop = loop
        let core = loop.core.here
        let state = FileState(descriptor, path, in: core)
        self.state = Confined(state, to: core)
        core.add(state)
    }

    /// Reads at most this many bytes from an offset on; an empty result is the end of the file.
    public func read(_ maxBytes: Int, at offset: Int) async throws(FileError) -> [UInt8] {
        let path = path
        return try await use { descriptor in
            SystemFile.read(descriptor, maxBytes, at: offset, path)
        }
    }

    /// Writes all bytes from an offset on.
    public func write(_ bytes: [UInt8], at offset: Int) async throws(FileError) {
        let path = path
        try await use { descriptor in SystemFile.write(bytes, to: descriptor, at: offset, path) }
    }

    /// Waits until the file's data is on the disk.
    public func synchronize() async throws(FileError) {
        let path = path
        try await use { descriptor in SystemFile.synchronize(descriptor, path) }
    }

    /// The file's size in bytes.
    public func size() async throws(FileError) -> Int {
        let path = path
        return try await use { descriptor in SystemFile.size(descriptor, path) }
    }

    /// Closes the file once its running operations have ended; closing twice is harmless.
    public func close() {
        loop.perform { self.state.here.close() }
    }

    /// Runs a system call on the pool; the descriptor stays open until it has ended.
    private func use<Result: Sendable>(
        _ body: @escaping @Sendable (Int32) -> Swift.Result<Result, SystemError>
    ) async throws(FileError) -> Result {
        guard loop.isCurrent else {
            return try await loop.onLoop { () async throws(FileError) in try await self.use(body)
            }
        }
        guard let descriptor = state.here.begin() else { throw .closed }
        defer { state.here.end() }
        return try await loop.file(path) { body(descriptor) }
    }
}

extension LoopExecutor {
    /// Opens a file.
    public func open(_ path: String, for access: SystemFile.Access = .reading) async throws(FileError) -> LoopFile {
        guard isCurrent else {
            return try await onLoop { () async throws(FileError) in
                try await self.open(path, for: access)
            }
        }
        let descriptor = try await file(path) { SystemFile.open(path, for: access) }
        return LoopFile(descriptor, path, on: self)
    }

    /// Reads a whole file.
    public func readFile(_ path: String) async throws(FileError) -> [UInt8] {
        guard isCurrent else {
            return try await onLoop { () async throws(FileError) in try await self.readFile(path)
            }
        }
        return try await file(path) { SystemFile.contents(path) }
    }

    /// Replaces a file by a new one with these bytes; a reader sees the old or the new content, whole.
    ///
    /// The content is on the disk when this returns.
    public func writeFile(_ path: String, _ bytes: [UInt8]) async throws(FileError) {
        guard isCurrent else {
            return try await onLoop { () async throws(FileError) in
                try await self.writeFile(path, bytes)
            }
        }
        try await file(path) { SystemFile.replace(path, with: bytes) }
    }

    fileprivate func file<Result: Sendable>(
        _ path: String, _ body: @escaping @Sendable () -> Swift.Result<Result, SystemError>
    ) async throws(FileError) -> Result {
        let result: Result?
        do throws(SystemError) {
            result = try await onPool("file \(path)", body)?.get()
        } catch {
            throw .system(error)
        }
        guard let result else { throw .cancelled }
        return result
    }
}

/// A file's descriptor and the operations that use it, on the loop.
private final class FileState: Resource {
    let name: String
    private let descriptor: Int32
    private unowned let core: LoopCore
    private var users = 0
    private var isClosed = false

    init(_ descriptor: Int32, _ path: String, in core: LoopCore) {
        self.descriptor = descriptor
        self.core = core
        name = "open file \(path)"
    }

    /// The descriptor for an operation; nil if the file is closed.
    func begin() -> Int32? {
        guard !isClosed else { return nil }
        users += 1
        return descriptor
    }

    func end() {
        users -= 1
        closeIfUnused()
    }

    func close() {
        guard !isClosed else { return }
        isClosed = true
        core.remove(self)
        closeIfUnused()
    }

    func abandon() { close() }

    private func closeIfUnused() {
        if isClosed, users == 0 { Socket.close(descriptor) }
    }
}
