import ArgumentParser
import CBuild
import RedisBridge
import WSLoop

/// Prints the versions of this program and of its parts.
struct Version: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "version",
        abstract: "Print the version, and those of what it was built with (also --version and -V).")

    func run() {
        print(Version.text)
    }

    static var text: String {
        let commit = unsafe String(cString: cbuild_commit())
        return """
            pushd \(Serve.version)\(commit.isEmpty ? "" : " (commit \(commit))")
            Swift \(swift), libuv \(Libraries.libuv), \(Libraries.openSSL), hiredis \(HiredisVersion.text)
            io_uring: \(Libraries.ioUring)
            """
    }

    #if compiler(>=6.4)
        private static let swift = "6.4 or later"
    #elseif compiler(>=6.3)
        private static let swift = "6.3"
    #else
        private static let swift = "6.2"
    #endif
}
