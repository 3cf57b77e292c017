import Glibc
import WSLoop

/// A blocking client on a plain socket that uses no code under test.
final class TestClient {
    private let descriptor: Int32
    /// Received bytes that were not consumed yet.
    private(set) var received: [UInt8] = []
    private var isClosed = false

    init(port: UInt16, receiveBufferBytes: Int32? = nil) throws {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        if let receiveBufferBytes { setOption(SO_RCVBUF, receiveBufferBytes) }
        for option in [SO_RCVTIMEO, SO_SNDTIMEO] { setOption(option, timeval(tv_sec: 30, tv_usec: 0)) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        let result = unsafe withUnsafeBytes(of: &address) { bytes in
            unsafe bytes.withMemoryRebound(to: sockaddr.self) {
                unsafe Glibc.connect(descriptor, $0.baseAddress, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard result == 0 else {
            close()
            throw TestFailure(description: "cannot connect to port \(port)")
        }
    }

    deinit { close() }

    private func setOption<Value: BitwiseCopyable>(_ option: Int32, _ value: Value) {
        var value = value
        _ = unsafe setsockopt(descriptor, SOL_SOCKET, option, &value, socklen_t(MemoryLayout<Value>.size))
    }

    func send(_ bytes: [UInt8]) throws {
        var sent = 0
        while sent < bytes.count {
            let count = unsafe bytes.withUnsafeBytes {
                unsafe Glibc.send(
                    descriptor, $0.baseAddress.map { unsafe $0 + sent }, bytes.count - sent, Int32(MSG_NOSIGNAL))
            }
            guard count > 0 else { throw TestFailure(description: "send failed: errno \(errno)") }
            sent += count
        }
    }

    func send(_ text: String, _ body: [UInt8] = []) throws { try send(Array(text.utf8) + body) }

    /// Sends the bytes that the kernel accepts at once, and returns their number.
    func sendWithoutWaiting(_ bytes: [UInt8]) -> Int {
        max(
            unsafe bytes.withUnsafeBytes {
                unsafe Glibc.send(
                    descriptor, $0.baseAddress, bytes.count, Int32(MSG_NOSIGNAL) | Int32(MSG_DONTWAIT))
            }, 0)
    }

    /// Ends sending.
    func endWriting() { _ = shutdown(descriptor, Int32(SHUT_WR)) }

    /// Ends the connection with a reset, as the kernel of a lost client does.
    func reset() {
        setOption(SO_LINGER, linger(l_onoff: 1, l_linger: 0))
        close()
    }

    func close() {
        guard !isClosed else { return }
        isClosed = true
        _ = Glibc.close(descriptor)
    }

    /// Waits for more bytes; returns false at the end of the stream.
    func receive() throws -> Bool {
        var buffer = [UInt8](repeating: 0, count: 65_536)
        let count = unsafe buffer.withUnsafeMutableBytes { unsafe recv(descriptor, $0.baseAddress, $0.count, 0) }
        guard count >= 0 else { throw TestFailure(description: "receive failed: errno \(errno)") }
        received += buffer.prefix(count)
        return count > 0
    }

    /// Waits for `count` bytes and consumes them.
    func take(_ count: Int) throws -> [UInt8] {
        while received.count < count {
            guard try receive() else { throw TestFailure(description: "the stream ended early") }
        }
        defer { received.removeFirst(count) }
        return Array(received.prefix(count))
    }

    /// Consumes the rest, up to the end of the stream.
    func takeAll() throws -> [UInt8] {
        while try receive() {}
        defer { received = [] }
        return received
    }
}

/// An HTTP response as a client sees it.
struct Answer: Equatable {
    var status = 0
    var head = ""
    var body: [UInt8] = []
}

extension TestClient {
    /// Waits for one response.
    func answer(toHead: Bool = false) throws -> Answer {
        let head = try takeHead()
        let lines = head.split(separator: "\r\n")
        let length = lines.first { $0.lowercased().hasPrefix("content-length: ") }.flatMap { Int($0.dropFirst(16)) }
        guard let status = head.split(separator: " ").dropFirst().first.flatMap({ Int($0) }) else {
            throw TestFailure(description: "no response: \(head)")
        }
        return Answer(status: status, head: head, body: try take(toHead ? 0 : length ?? 0))
    }

    private func takeHead() throws -> String {
        var searched = 0
        while true {
            for index in searched..<max(received.count - 3, searched)
            where received[index...].starts(with: [13, 10, 13, 10]) {
                return string(try take(index + 4))
            }
            searched = max(received.count - 3, 0)
            guard try receive() else { throw TestFailure(description: "the stream ended in a head") }
        }
    }
}
