internal import Logging
internal import WSLoop

/// How writes to clients reach the kernel.
public enum IOMethod: String, CaseIterable, Sendable {
    /// With io_uring if the kernel has it and allows it, else with system calls.
    case auto
    /// With one system call per write.
    case poll
    /// With io_uring; if that is unavailable, the server does not start.
    case uring

    /// Makes the sender of a loop; call it on that loop's thread.
    ///
    /// - Parameter explains: whether to log why io_uring is unavailable; one loop is enough.
    func sender(logger: Logger, explains: Bool) throws(SystemError) -> any Sender {
        guard self != .poll else { return SocketSender() }
        do throws(SystemError) {
            return try RingSender { logger.warning("sending without io_uring", metadata: ["error": "\($0)"]) }
        } catch {
            guard self == .auto, RingSender.isUnavailable(error) else { throw error }
            if explains { logger.info("sending without io_uring", metadata: ["reason": "\(error)"]) }
            return SocketSender()
        }
    }
}
