import Glibc

@testable import WSLoop

struct TestFailure: Error, CustomStringConvertible {
    let description: String
}

/// Runs a test on its own loop, and traps if the test leaves a handle open.
func withLoop(_ body: (Loop) throws -> Void) throws {
    let loop = try Loop()
    defer { loop.close() }
    try body(loop)
}

extension Loop {
    /// Turns until the condition holds; the deadline is far away and ends only a test that would never end.
    func turn(for what: String, until condition: () throws -> Bool) throws {
        let deadline = Loop.monotonicNanoseconds + 20_000_000_000
        // The ticker ends a turn that would sleep too long.
        let ticker = try Timer(on: self)
        ticker.start(afterMilliseconds: 5, everyMilliseconds: 5)
        defer { ticker.close() }
        while try !condition() {
            guard Loop.monotonicNanoseconds < deadline else {
                throw TestFailure(description: "waited in vain for \(what)")
            }
            turn()
        }
    }
}

/// A blocking client socket.
final class ClientSocket {
    private(set) var descriptor: Int32

    init(to address: SocketAddress) throws {
        descriptor = socket(address.family, Int32(SOCK_STREAM.rawValue), 0)
        guard unsafe address.withKernelForm({ unsafe connect(descriptor, $0, $1) }) == 0 else {
            throw TestFailure(description: "connect to \(address): errno \(errno)")
        }
    }

    deinit { close() }

    func close() {
        if descriptor >= 0 { _ = Glibc.close(descriptor) }
        descriptor = -1
    }

    /// Resets the connection instead of closing it.
    func reset() {
        var linger = linger(l_onoff: 1, l_linger: 0)
        unsafe setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &linger, socklen_t(MemoryLayout<linger>.size))
        close()
    }

    func send(_ bytes: [UInt8]) {
        _ = unsafe bytes.withUnsafeBytes { unsafe Glibc.send(descriptor, $0.baseAddress, $0.count, 0) }
    }

    /// The bytes that can be read, at most `count`; waits for the first byte.
    func receive(_ count: Int) -> [UInt8] {
        var buffer = [UInt8](repeating: 0, count: count)
        let received = unsafe buffer.withUnsafeMutableBytes { unsafe recv(descriptor, $0.baseAddress, count, 0) }
        return Array(buffer.prefix(max(received, 0)))
    }

    /// Exactly `count` bytes, or fewer if the stream ends.
    func receiveAll(_ count: Int) -> [UInt8] {
        var bytes: [UInt8] = []
        while bytes.count < count {
            let part = receive(count - bytes.count)
            if part.isEmpty { break }
            bytes += part
        }
        return bytes
    }
}

/// The kind of address that a test listens on.
enum Transport: String, CaseIterable {
    case ipv4
    case ipv6
    case unix

    /// This machine may lack IPv6.
    static var available: [Transport] {
        let probe = socket(AF_INET6, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(probe) }
        let bound = SocketAddress(host: "::1", port: 0).map { address in
            unsafe address.withKernelForm { unsafe bind(probe, $0, $1) } == 0
        }
        return allCases.filter { $0 != .ipv6 || bound == true }
    }

    func makeAddress() throws -> SocketAddress {
        let address =
            switch self {
            case .ipv4: SocketAddress(host: "127.0.0.1", port: 0)
            case .ipv6: SocketAddress(host: "::1", port: 0)
            case .unix: SocketAddress(unixPath: temporaryPath())
            }
        guard let address else { throw TestFailure(description: "no address") }
        return address
    }
}

func temporaryPath() -> String {
    "/tmp/wsloop-test-\(getpid())-\(UInt64.random(in: .min ... .max)).sock"
}
