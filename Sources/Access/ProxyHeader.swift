internal import Bytes

/// A header in which a proxy announces the connection that it forwards.
///
/// It is the PROXY protocol, versions 1 and 2, as in haproxy's proxy-protocol.txt.
public struct ProxyHeader: Equatable, Sendable {
    /// The client's address; nil for the proxy's own connections (LOCAL) or without one (UNKNOWN, UNSPEC, AF_UNIX).
    public var client: IPAddress?
    /// Whether the client used TLS to the proxy, which only version 2 reports.
    public var isSecure = false
    /// The length of the header.
    public let byteCount: Int

    /// The longest accepted header, for version 2 with all its extensions.
    public static let maxBytes = 4096

    init(client: IPAddress? = nil, byteCount: Int) {
        self.client = client
        self.byteCount = byteCount
    }

    /// Parses the header at the start of `bytes`; nil if it is incomplete.
    public static func read(_ bytes: RawSpan) throws(ProxyHeaderViolation) -> ProxyHeader? {
        guard bytes.byteCount > 0 else { return nil }
        return bytes.byte(at: 0) == textStart[0] ? try readText(bytes) : try readBinary(bytes)
    }

    /// Whether the bytes begin like a PROXY header, and unlike any request.
    public static func isAnnounced(by bytes: RawSpan) -> Bool {
        for start in [Array("PROXY TCP".utf8), Array("PROXY UNKNOWN".utf8), signature] {
            if bytes.byteCount >= start.count, bytes.agrees(with: start) { return true }
        }
        return false
    }
}

// Version 1: a line of text.
extension ProxyHeader {
    private static let textStart = Array("PROXY ".utf8)
    /// The longest line in bytes, including its end.
    private static let maxTextBytes = 107

    private static func readText(_ bytes: RawSpan) throws(ProxyHeaderViolation) -> ProxyHeader? {
        guard bytes.agrees(with: textStart) else { throw .noHeader }
        let seen = min(bytes.byteCount, maxTextBytes)
        var end = 0
        while end < seen, bytes.byte(at: end) != UInt8(ascii: "\n") { end += 1 }
        guard end < seen else {
            guard seen < maxTextBytes else { throw .lineTooLong }
            return nil
        }
        guard bytes.byte(at: end - 1) == UInt8(ascii: "\r") else { throw .malformedLine }
        return ProxyHeader(client: try client(bytes.extracting(0..<end - 1)), byteCount: end + 1)
    }

    /// The source in `PROXY TCP4 SOURCE DESTINATION PORT PORT`; nil for `PROXY UNKNOWN`, whatever follows it.
    private static func client(_ line: RawSpan) throws(ProxyHeaderViolation) -> IPAddress? {
        guard let text = line.asciiText else { throw .malformedLine }
        let words = text.split(separator: " ", omittingEmptySubsequences: false)
        guard words.count > 1 else { throw .malformedLine }
        if words[1] == "UNKNOWN" { return nil }
        let isIPv4 = words[1] == "TCP4"
        guard isIPv4 || words[1] == "TCP6", words.count == 6, words[4...].allSatisfy(isPort),
            words[2...3].allSatisfy({ $0.contains(":") != isIPv4 }), IPAddress(words[3]) != nil,
            let client = IPAddress(words[2])
        else { throw .malformedLine }
        return client
    }

    private static func isPort(_ word: Substring) -> Bool {
        UInt16(word).map { "\($0)" == word } ?? false
    }
}

// Version 2: binary.
extension ProxyHeader {
    private static let signature: [UInt8] = [13, 10, 13, 10, 0, 13, 10] + Array("QUIT\n".utf8)
    private static let fixedBytes = 16

    private enum Family: UInt8 {
        case unspecified, ipv4, ipv6, unix

        /// The length of two addresses and two ports.
        var bytes: Int {
            switch self {
            case .unspecified: 0
            case .ipv4: 12
            case .ipv6: 36
            case .unix: 216
            }
        }
    }

    private static func readBinary(_ bytes: RawSpan) throws(ProxyHeaderViolation) -> ProxyHeader? {
        guard bytes.agrees(with: signature) else { throw .noHeader }
        guard bytes.byteCount > 12 else { return nil }
        guard bytes.byte(at: 12) >> 4 == 2 else { throw .unknownVersion }
        guard bytes.byte(at: 12) & 0xF <= 1 else { throw .unknownCommand }
        guard bytes.byteCount >= fixedBytes else { return nil }
        let end = fixedBytes + bytes.number16(at: 14)
        guard end <= maxBytes else { throw .tooLong }
        guard bytes.byteCount >= end else { return nil }
        // LOCAL: the rest has no meaning.
        guard bytes.byte(at: 12) & 0xF == 1 else { return ProxyHeader(byteCount: end) }
        return try readClient(bytes.extracting(0..<end))
    }

    private static func readClient(_ bytes: RawSpan) throws(ProxyHeaderViolation) -> ProxyHeader {
        var header = ProxyHeader(byteCount: bytes.byteCount)
        let (family, transport) = (Family(rawValue: bytes.byte(at: 13) >> 4), bytes.byte(at: 13) & 0xF)
        guard let family else { throw .unknownFamily }
        if family == .unspecified { return header }
        guard transport == 1 else { throw .unknownFamily }
        let extensions = fixedBytes + family.bytes
        guard extensions <= bytes.byteCount else { throw .addressesCutShort }
        switch family {
        case .ipv4:
            header.client = IPAddress(ipv4: UInt32(bytes.number16(at: 16)) << 16 | UInt32(bytes.number16(at: 18)))
        case .ipv6:
            header.client = IPAddress(high: bytes.number64(at: 16), low: bytes.number64(at: 24))
        case .unspecified, .unix: break
        }
        header.isSecure = try tellsOfTLS(bytes, from: extensions)
        return header
    }

    /// Whether there is a PP2_TYPE_SSL extension that says the client used TLS (PP2_CLIENT_SSL).
    private static func tellsOfTLS(_ bytes: RawSpan, from start: Int) throws(ProxyHeaderViolation) -> Bool {
        var (offset, isSecure) = (start, false)
        while offset < bytes.byteCount {
            let value = offset + 3
            guard value <= bytes.byteCount, value + bytes.number16(at: offset + 1) <= bytes.byteCount else {
                throw .extensionCutShort
            }
            let end = value + bytes.number16(at: offset + 1)
            if bytes.byte(at: offset) == 0x20, end > value { isSecure = bytes.byte(at: value) & 1 == 1 }
            offset = end
        }
        return isSecure
    }
}

extension RawSpan {
    /// Whether the bytes begin with `start`, or are a prefix of it.
    fileprivate func agrees(with start: [UInt8]) -> Bool {
        for offset in 0..<Swift.min(byteCount, start.count) where byte(at: offset) != start[offset] { return false }
        return true
    }

    /// The bytes as text, if all of them are visible ASCII or spaces.
    fileprivate var asciiText: String? {
        var bytes: [UInt8] = []
        bytes.append(self)
        return bytes.allSatisfy { (0x20...0x7E).contains($0) } ? String(decoding: bytes, as: UTF8.self) : nil
    }

    fileprivate func number16(at offset: Int) -> Int {
        Int(byte(at: offset)) << 8 | Int(byte(at: offset + 1))
    }

    fileprivate func number64(at offset: Int) -> UInt64 {
        var number: UInt64 = 0
        for offset in offset..<offset + 8 { number = number << 8 | UInt64(byte(at: offset)) }
        return number
    }
}
