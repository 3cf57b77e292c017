import CProcess
import Glibc

/// The process' arguments and standard streams at the start.
enum ProcessStart {
    /// The command line with the command's name; Swift's `CommandLine` is empty if /proc is not mounted.
    static var arguments: [String] {
        (0..<cprocess_argument_count()).map { unsafe String(cString: cprocess_argument($0)) }
    }

    /// Opens /dev/null for each closed descriptor from 0 to 2; returns false if that fails.
    ///
    /// Otherwise a socket or a file might get one of these numbers and be taken for a standard stream, by libuv as
    /// well.
    static func openStandardStreams() -> Bool {
        for descriptor in STDIN_FILENO...STDERR_FILENO where fcntl(descriptor, F_GETFD) < 0 {
            // open returns the lowest free descriptor, and those below are open by now.
            guard unsafe open("/dev/null", O_RDWR) == descriptor else { return false }
        }
        return true
    }
}
