import Glibc

/// An independent, blocking Redis client without hiredis or the code under test.
final class RedisClient {
    indirect enum Reply: Equatable {
        case text(String)
        case error(String)
        case integer(Int)
        case null
        case array([Reply])
    }

    private let descriptor: Int32
    private var unread: ArraySlice<UInt8> = []

    /// Connects, retrying until the server answers a PING; calls `check` before each attempt.
    init(port: UInt16, check: () throws -> Void = {}) throws {
        let deadline = Deadline()
        while true {
            try check()
            if let connected = RedisClient.connect(port) {
                descriptor = connected
                break
            }
            try deadline.check("redis-server on port \(port)")
            usleep(2000)  // pause between two attempts; the deadline ends the loop
        }
        while case .error(let text) = try command("PING"), text.hasPrefix("LOADING") { try deadline.check("loading") }
    }

    deinit { close(descriptor) }

    func command(_ words: String...) throws -> Reply {
        try command(words.map { Array($0.utf8) })
    }

    func command(_ words: [[UInt8]]) throws -> Reply {
        var bytes = Array("*\(words.count)\r\n".utf8)
        for word in words { bytes += Array("$\(word.count)\r\n".utf8) + word + [13, 10] }
        while !bytes.isEmpty {
            let sent = unsafe bytes.withUnsafeBytes { unsafe send(descriptor, $0.baseAddress, $0.count, 0) }
            guard sent > 0 else { throw TestFailure(description: "send: errno \(errno)") }
            bytes.removeFirst(sent)
        }
        return try readReply()
    }

    /// The number of receivers of a message.
    func publish(_ payload: [UInt8], to channel: String) throws -> Int {
        guard case .integer(let count) = try command([Array("PUBLISH".utf8), Array(channel.utf8), payload]) else {
            throw TestFailure(description: "PUBLISH was not answered by a number")
        }
        return count
    }

    /// The number of Redis clients that are subscribed to a channel.
    func subscribers(of channel: String) throws -> Int {
        guard case .array(let parts) = try command("PUBSUB", "NUMSUB", channel), case .integer(let count) = parts[1]
        else {
            throw TestFailure(description: "PUBSUB NUMSUB")
        }
        return count
    }

    /// A number in INFO.
    func info(_ key: String) throws -> Int {
        guard case .text(let text) = try command("INFO") else { throw TestFailure(description: "INFO") }
        let line = text.split(whereSeparator: \.isNewline).first { $0.hasPrefix(key + ":") }
        return Int(line?.dropFirst(key.count + 1) ?? "") ?? -1
    }

    private func readReply() throws -> Reply {
        let line = try readLine()
        let rest = String(decoding: line.dropFirst(), as: UTF8.self)
        switch line.first {
        case UInt8(ascii: "+"): return .text(rest)
        case UInt8(ascii: "-"): return .error(rest)
        case UInt8(ascii: ":"): return .integer(Int(rest) ?? -1)
        case UInt8(ascii: "$"):
            guard let count = Int(rest), count >= 0 else { return .null }
            let bytes = try read(count + 2)
            return .text(String(decoding: bytes.dropLast(2), as: UTF8.self))
        case UInt8(ascii: "*"): return .array(try (0..<(Int(rest) ?? 0)).map { _ in try readReply() })
        default: throw TestFailure(description: "unknown reply \(rest)")
        }
    }

    private func readLine() throws -> ArraySlice<UInt8> {
        while true {
            if let end = unread.firstIndex(of: 13), end + 1 < unread.endIndex {
                defer { unread = unread[(end + 2)...] }
                return unread[..<end]
            }
            try readMore()
        }
    }

    private func read(_ count: Int) throws -> ArraySlice<UInt8> {
        while unread.count < count { try readMore() }
        defer { unread = unread.dropFirst(count) }
        return unread.prefix(count)
    }

    private func readMore() throws {
        var buffer = [UInt8](repeating: 0, count: 65536)
        let received = unsafe buffer.withUnsafeMutableBytes { unsafe recv(descriptor, $0.baseAddress, $0.count, 0) }
        guard received > 0 else { throw TestFailure(description: "the server closed the connection") }
        unread = ArraySlice(Array(unread) + buffer.prefix(received))
    }

    private static func connect(_ port: UInt16) -> Int32? {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        address.sin_port = port.bigEndian
        let result = unsafe withUnsafePointer(to: &address) {
            unsafe $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe Glibc.connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard result == 0 else {
            close(descriptor)
            return nil
        }
        return descriptor
    }
}
