internal import CUV
internal import Glibc

/// The address of a TCP or unix-domain socket.
public struct SocketAddress: Equatable, Sendable, CustomStringConvertible {
    private enum Storage: Equatable, Sendable {
        case ipv4(host: UInt32, port: UInt16)  // both in network byte order
        case ipv6(host: [UInt8], port: UInt16, scope: UInt32)
        case unix(path: String)
        case unnamed
    }

    private let storage: Storage

    /// A unix-domain socket's path; nil if it is empty or longer than the kernel allows (107 bytes).
    public init?(unixPath path: String) {
        guard !path.isEmpty, path.utf8.count <= 107, !path.utf8.contains(0) else { return nil }
        storage = .unix(path: path)
    }

    /// A numeric IPv4 or IPv6 address (without brackets); nil if `host` is a name.
    public init?(host: String, port: UInt16) {
        var four = in_addr()
        var six = [UInt8](repeating: 0, count: 16)
        if unsafe inet_pton(AF_INET, host, &four) == 1 {
            storage = .ipv4(host: four.s_addr, port: port.bigEndian)
        } else if unsafe inet_pton(AF_INET6, host, &six) == 1 {
            storage = .ipv6(host: six, port: port.bigEndian, scope: 0)
        } else {
            return nil
        }
    }

    @unsafe
    init(_ address: UnsafePointer<sockaddr>) {
        switch unsafe Int32(address.pointee.sa_family) {
        case AF_INET:
            storage = unsafe address.withMemoryRebound(to: sockaddr_in.self, capacity: 1) {
                unsafe .ipv4(host: $0.pointee.sin_addr.s_addr, port: $0.pointee.sin_port)
            }
        case AF_INET6:
            storage = unsafe address.withMemoryRebound(to: sockaddr_in6.self, capacity: 1) { six in
                let host = unsafe withUnsafeBytes(of: six.pointee.sin6_addr) { unsafe [UInt8]($0) }
                let port = unsafe six.pointee.sin6_port
                // A dual-stack socket reports IPv4 addresses in this form.
                if let four = SocketAddress.mappedHost(host) { return .ipv4(host: four.bigEndian, port: port) }
                return unsafe .ipv6(host: host, port: port, scope: six.pointee.sin6_scope_id)
            }
        default:
            storage = .unnamed
        }
    }

    /// The address a socket is bound to.
    public init(boundTo descriptor: Int32) {
        self = unsafe SocketAddress.read { unsafe getsockname(descriptor, $0, $1) }
    }

    /// The address at the other end of a connected socket.
    public init(peerOf descriptor: Int32) {
        self = unsafe SocketAddress.read { unsafe getpeername(descriptor, $0, $1) }
    }

    /// The TCP port; nil for a unix socket.
    public var port: UInt16? {
        switch storage {
        case .ipv4(_, let port), .ipv6(_, let port, _): UInt16(bigEndian: port)
        case .unix, .unnamed: nil
        }
    }

    /// The numeric host without its port; nil for a unix socket.
    public var host: String? {
        switch storage {
        case .ipv4(let host, _): presentation(AF_INET, of: host)
        case .ipv6(let host, _, _): unsafe host.withUnsafeBytes { unsafe text(AF_INET6, $0) }
        case .unix, .unnamed: nil
        }
    }

    /// The path of a unix socket; nil for TCP.
    public var unixPath: String? {
        if case .unix(let path) = storage { path } else { nil }
    }

    /// The IP address as 128 bits; IPv4 addresses are mapped into IPv6 (RFC 4291 section 2.5.5.2).
    ///
    /// Nil for a unix socket.
    public var ipBits: (high: UInt64, low: UInt64)? {
        switch storage {
        case .ipv4(let host, _): (0, 0xFFFF_0000_0000 | UInt64(UInt32(bigEndian: host)))
        case .ipv6(let host, _, _): (SocketAddress.number(host[..<8]), SocketAddress.number(host[8...]))
        case .unix, .unnamed: nil
        }
    }

    /// Whether the peer must be on this machine: 127.0.0.0/8, ::1, their mapped forms, or a unix socket.
    public var isLocal: Bool {
        switch storage {
        case .ipv4(let host, _): UInt32(bigEndian: host) >> 24 == 127
        case .ipv6(let host, _, _):
            host.dropLast() == [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0] && host[15] == 1
                || SocketAddress.mappedHost(host).map { $0 >> 24 } == 127
        case .unix, .unnamed: true
        }
    }

    /// The IPv4 address in an IPv4-mapped IPv6 address (RFC 4291 section 2.5.5.2); nil if it is not mapped.
    private static func mappedHost(_ host: [UInt8]) -> UInt32? {
        guard host[..<12] == [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF] else { return nil }
        return UInt32(truncatingIfNeeded: number(host[12...]))
    }

    private static func number(_ bytes: ArraySlice<UInt8>) -> UInt64 {
        bytes.reduce(0) { $0 << 8 | UInt64($1) }
    }

    /// `127.0.0.1:8081`, `[::1]:8081` or `unix:/run/pushd.sock`.
    public var description: String {
        switch storage {
        case .ipv4: "\(host ?? "?"):\(port ?? 0)"
        case .ipv6: "[\(host ?? "?")]:\(port ?? 0)"
        case .unix(let path): "unix:\(path)"
        case .unnamed: "unix:"
        }
    }
}

extension SocketAddress {
    var family: Int32 {
        switch storage {
        case .ipv4: AF_INET
        case .ipv6: AF_INET6
        case .unix, .unnamed: AF_UNIX
        }
    }

    /// Lends the address in the kernel's form.
    func withKernelForm(_ body: (UnsafePointer<sockaddr>, socklen_t) -> Int32) -> Int32 {
        var space = sockaddr_storage()
        let length = unsafe withUnsafeMutableBytes(of: &space) { unsafe fill($0) }
        return unsafe withUnsafeBytes(of: &space) {
            guard let base = $0.baseAddress else { return -EINVAL }
            return unsafe body(base.assumingMemoryBound(to: sockaddr.self), socklen_t(length))
        }
    }

    private func fill(_ space: UnsafeMutableRawBufferPointer) -> Int {
        switch storage {
        case .ipv4(let host, let port):
            var address = sockaddr_in()
            address.sin_family = sa_family_t(AF_INET)
            address.sin_port = port
            address.sin_addr.s_addr = host
            unsafe space.storeBytes(of: address, as: sockaddr_in.self)
            return MemoryLayout<sockaddr_in>.size
        case .ipv6(let host, let port, let scope):
            var address = sockaddr_in6()
            address.sin6_family = sa_family_t(AF_INET6)
            address.sin6_port = port
            address.sin6_scope_id = scope
            unsafe withUnsafeMutableBytes(of: &address.sin6_addr) { unsafe $0.copyBytes(from: host) }
            unsafe space.storeBytes(of: address, as: sockaddr_in6.self)
            return MemoryLayout<sockaddr_in6>.size
        case .unix(let path):
            unsafe space.storeBytes(of: sa_family_t(AF_UNIX), as: sa_family_t.self)
            let start = MemoryLayout<sa_family_t>.size
            unsafe UnsafeMutableRawBufferPointer(rebasing: space[start...]).copyBytes(from: path.utf8)
            return start + path.utf8.count + 1
        case .unnamed:
            unsafe space.storeBytes(of: sa_family_t(AF_UNIX), as: sa_family_t.self)
            return MemoryLayout<sa_family_t>.size
        }
    }

    /// Reads an address that a call such as accept(2) or getsockname(2) fills in.
    static func read(
        _ call: (UnsafeMutablePointer<sockaddr>, UnsafeMutablePointer<socklen_t>) -> Int32
    ) -> SocketAddress {
        var space = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        return unsafe withUnsafeMutablePointer(to: &space) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                _ = unsafe call(address, &length)
                return unsafe SocketAddress(address)
            }
        }
    }

    private func presentation(_ family: Int32, of host: UInt32) -> String {
        unsafe withUnsafeBytes(of: host) { unsafe text(family, $0) }
    }

    private func text(_ family: Int32, _ bytes: UnsafeRawBufferPointer) -> String {
        var buffer = [UInt8](repeating: 0, count: 46)
        let end = unsafe buffer.withUnsafeMutableBytes {
            unsafe inet_ntop(family, bytes.baseAddress, $0.baseAddress, 46)
        }
        return unsafe end.map { unsafe String(cString: $0) } ?? "?"
    }
}
