import Glibc
import WSLoop

struct TestFailure: Error, CustomStringConvertible {
    let description: String
}

/// A real redis-server for the test, on a free port, killed with the object.
final class RedisServer {
    private(set) var port: UInt16
    private let arguments: [String]
    private var process: pid_t?

    init(port: UInt16? = nil, arguments: [String] = [], started: Bool = true) throws {
        self.port = try port ?? RedisServer.freePort()
        self.arguments = arguments
        guard started else { return }
        do {
            try start()
        } catch is PortTaken where port == nil {
            // Another test's server has taken the port.
            self.port = try RedisServer.freePort()
            try start()
        }
    }

    private struct PortTaken: Error {}

    deinit { kill() }

    var url: String { "redis://127.0.0.1:\(port)" }

    /// Starts it and waits until it answers.
    func start() throws {
        let words =
            [
                "/usr/bin/env", "redis-server", "--port", "\(port)", "--bind", "127.0.0.1", "--save", "",
                "--appendonly",
                "no", "--logfile", "/dev/null",
            ] + arguments
        var pointers = unsafe words.map { unsafe strdup($0) } + [nil]
        defer {
            for index in unsafe pointers.indices { unsafe free(pointers[index]) }
        }
        var process = pid_t()
        let result = unsafe posix_spawn(&process, "/usr/bin/env", nil, nil, &pointers, environ)
        guard result == 0 else { throw TestFailure(description: "posix_spawn: \(result)") }
        self.process = process
        _ = try RedisClient(port: port) {
            if waitpid(process, nil, WNOHANG) == process {
                self.process = nil
                throw PortTaken()
            }
        }
    }

    func kill() {
        guard let process else { return }
        self.process = nil
        _ = Glibc.kill(process, SIGKILL)
        _ = waitpid(process, nil, 0)
    }

    func freeze() { signal(SIGSTOP) }
    func thaw() { signal(SIGCONT) }

    private func signal(_ number: Int32) {
        if let process { _ = Glibc.kill(process, number) }
    }

    static func freePort() throws -> UInt16 {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(descriptor) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        let result = unsafe withUnsafePointer(to: &address) {
            unsafe $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard result == 0, let port = SocketAddress(boundTo: descriptor).port else {
            throw TestFailure(description: "no free port")
        }
        return port
    }
}
