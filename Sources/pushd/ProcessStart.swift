import CProcess
import Glibc

/// What the process was started with.
enum ProcessStart {
    /// The command line, the command's name first; `CommandLine` of Swift has none where /proc is not mounted.
    static var arguments: [String] {
        (0..<cprocess_argument_count()).map { unsafe String(cString: cprocess_argument($0)) }
    }

    /// Opens /dev/null in place of each of the descriptors 0 to 2 that is closed; false if that is not possible.
    ///
    /// A socket or a file that got one of these numbers would be taken for a standard stream, by libuv as well.
    static func openStandardStreams() -> Bool {
        for descriptor in STDIN_FILENO...STDERR_FILENO where fcntl(descriptor, F_GETFD) < 0 {
            // The lowest that is free: those below are open by now.
            guard unsafe open("/dev/null", O_RDWR) == descriptor else { return false }
        }
        return true
    }
}
