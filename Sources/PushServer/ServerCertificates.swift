internal import Glibc
internal import Logging
internal import Synchronization
public import WSLoop

/// The certificates for clients that connect with TLS; read again when their files change.
///
/// Safe on any thread. A connection keeps the certificate it was accepted with.
public final class ServerCertificates: Sendable {
    private struct Content {
        var context: TLSContext
        /// The versions of the files that were read, or that could not be used.
        var files: [FileVersion?]
        /// The versions at the last check: a file that is just being written is left alone until it stays the same.
        var lastSeen: [FileVersion?]
    }

    private let options: TLSServerOptions
    private let content: Mutex<Content>

    /// Reads the files, which blocks.
    public init(_ options: TLSServerOptions) throws(TLSFailure) {
        self.options = options
        let files = options.files.map { FileVersion($0) }
        content = Mutex(Content(context: try TLSContext(server: options), files: files, lastSeen: files))
    }

    /// Which code seals and opens the records.
    var records: TLSRecords { options.records }

    /// The context for new connections.
    var context: TLSContext { content.withLock { $0.context } }

    /// Reads the files again if they have changed; if they cannot be used, logs that and keeps the current ones.
    func reloadIfChanged(logger: Logger) {
        let files = options.files.map { FileVersion($0) }
        let isNew = content.withLock { content in
            defer { content.lastSeen = files }
            return files != content.files && files == content.lastSeen
        }
        if isNew { reload(logger: logger) }
    }

    /// Reads the files again.
    func reload(logger: Logger) {
        let files = options.files.map { FileVersion($0) }
        do throws(TLSFailure) {
            let context = try TLSContext(server: options)
            content.withLock { $0 = Content(context: context, files: files, lastSeen: files) }
            logger.notice("certificates reloaded")
        } catch {
            content.withLock { $0.files = files }
            logger.warning("certificates not reloaded, the old ones stay", metadata: ["error": "\(error)"])
        }
    }
}

/// Distinguishes a file's current version from earlier ones.
private struct FileVersion: Equatable, Sendable {
    let inode: UInt
    let bytes: Int
    let seconds: Int
    let nanoseconds: Int

    /// Nil if there is no such file.
    init?(_ path: String) {
        var status = stat()
        guard unsafe stat(path, &status) == 0 else { return nil }
        inode = status.st_ino
        bytes = Int(status.st_size)
        (seconds, nanoseconds) = (status.st_mtim.tv_sec, status.st_mtim.tv_nsec)
    }
}
