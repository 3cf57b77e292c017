internal import Logging
internal import WSLoop

/// How writes to clients get to the kernel.
public enum IOMethod: String, CaseIterable, Sendable {
    /// With io_uring where the kernel has it and allows it.
    case auto
    /// With a system call for each.
    case poll
    /// With io_uring; where that is not to be had, the server does not start.
    case uring

    /// Makes what sends; on the thread of the loop that it is for.
    ///
    /// - Parameter explains: whether to log why there is no io_uring; once is enough for all loops.
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
