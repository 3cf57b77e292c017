import Bytes
import TestSupport
import Testing

@testable import Access

/// The bytes of a header of version 2.
func binaryHeader(
    _ content: [UInt8], command: UInt8 = 0x21, family: UInt8 = 0x11, length: Int? = nil
) -> [UInt8] {
    let length = length ?? content.count
    return Array("\r\n\r\n\0\r\nQUIT\n".utf8) + [command, family, UInt8(length >> 8), UInt8(length & 0xFF)] + content
}

@Suite struct ProxyHeaderTests {
    private static let ipv4: [UInt8] = [192, 0, 2, 1, 10, 0, 0, 1, 0x12, 0x34, 0, 80]
    private static let ipv6: [UInt8] =
        [0x20, 1, 0x0D, 0xB8] + [UInt8](repeating: 0, count: 11) + [7] + [UInt8](repeating: 1, count: 20)
    private static let unix = [UInt8](repeating: 0x2F, count: 216)

    private func header(_ bytes: [UInt8]) throws(ProxyHeaderViolation) -> ProxyHeader? {
        try ProxyHeader.read(bytes.rawSpan)
    }

    private func isAnnounced(_ bytes: [UInt8]) -> Bool {
        ProxyHeader.isAnnounced(by: bytes.rawSpan)
    }

    private func text(_ line: String) -> [UInt8] { Array((line + "\r\n").utf8) }

    /// The parsed header, which must not depend on bytes after it, and needs all of its own.
    private func read(_ bytes: [UInt8]) throws -> ProxyHeader? {
        let found = try header(bytes)
        for end in bytes.indices {
            let beginning = Array(bytes[..<end])
            #expect(try header(beginning) == nil, "after \(end) bytes")
        }
        let longer = bytes + Array("GET / HTTP/1.1\r\n".utf8)
        #expect(try header(longer) == found)
        if let found { #expect(found.byteCount == bytes.count) }
        return found
    }

    @Test(
        arguments: [
            ("PROXY TCP4 192.0.2.1 10.0.0.1 56324 443", "192.0.2.1"),
            ("PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535", "255.255.255.255"),
            ("PROXY TCP4 1.2.3.4 1.2.3.4 0 0", "1.2.3.4"), ("PROXY TCP6 2001:db8::7 2001:db8::1 1 2", "2001:db8::7"),
            ("PROXY TCP6 ::ffff:1.2.3.4 ::1 1 2", "1.2.3.4"), ("PROXY UNKNOWN", nil),
            ("PROXY UNKNOWN ffff:f...f:ffff ffff:f...f:ffff 65535 65535", nil), ("PROXY UNKNOWN whatever  comes", nil),
        ] as [(String, String?)])
    func version1(line: String, client: String?) throws {
        let header = try #require(try read(text(line)))
        #expect(header.client == client.flatMap { IPAddress($0) })
        #expect(!header.isSecure)
    }

    @Test func theLongestLineOfVersion1() throws {
        let address = "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"
        #expect(try read(text("PROXY TCP6 \(address) \(address) 65535 65535"))?.client == IPAddress(address))
        let unknown = "PROXY UNKNOWN " + String(repeating: "x", count: 91)
        #expect(try read(text(unknown))?.byteCount == 107)
        #expect(throws: ProxyHeaderViolation.lineTooLong) { try header(text(unknown + "x")) }
        #expect(throws: ProxyHeaderViolation.lineTooLong) {
            try header(Array("PROXY TCP4".utf8 + [UInt8](repeating: 0x20, count: 97)))
        }
    }

    @Test(arguments: [
        "PROXY TCP4", "PROXY TCP4 1.2.3.4 5.6.7.8 1", "PROXY TCP4 1.2.3.4 5.6.7.8 1 2 3",
        "PROXY TCP4  1.2.3.4 5.6.7.8 1 2",
        "PROXY TCP4 1.2.3.4 5.6.7.8 1 65536", "PROXY TCP4 1.2.3.4 5.6.7.8 01 2", "PROXY TCP4 1.2.3.4 5.6.7.8 +1 2",
        "PROXY TCP4 1.2.3.4 5.6.7.8 -1 2", "PROXY TCP4 1.2.3 5.6.7.8 1 2", "PROXY TCP4 1.2.3.4 5.6.7 1 2",
        "PROXY TCP4 01.2.3.4 5.6.7.8 1 2", "PROXY TCP4 ::1 ::1 1 2", "PROXY TCP6 1.2.3.4 5.6.7.8 1 2",
        "PROXY TCP4 ::1 5.6.7.8 1 2",
        "PROXY UDP4 1.2.3.4 5.6.7.8 1 2", "PROXY tcp4 1.2.3.4 5.6.7.8 1 2", "PROXY ", "PROXY TCP4 1.2.3.4 5.6.7.8 1 2 ",
        "PROXY TCP4 1.2.3.4 5.6.7.8 1 \0", "PROXY UNKNOWN \u{7}", "PROXY TCP4 1.2.3.4\r 5.6.7.8 1 2", "PROXY UNKNOWNX",
        "PROXY /x HTTP/1.1",
    ])
    func malformedLines(line: String) {
        #expect(throws: ProxyHeaderViolation.malformedLine) { try header(text(line)) }
    }

    @Test func aLineEndsWithCRLF() {
        #expect(throws: ProxyHeaderViolation.malformedLine) {
            try header(Array("PROXY TCP4 1.2.3.4 5.6.7.8 1 2\n".utf8))
        }
    }

    @Test func version2() throws {
        #expect(try read(binaryHeader(ProxyHeaderTests.ipv4))?.client == IPAddress("192.0.2.1"))
        #expect(try read(binaryHeader(ProxyHeaderTests.ipv6, family: 0x21))?.client == IPAddress("2001:db8::7"))
        let mapped = [UInt8](repeating: 0, count: 10) + [0xFF, 0xFF, 1, 2, 3, 4] + [UInt8](repeating: 0, count: 20)
        #expect(try read(binaryHeader(mapped, family: 0x21))?.client == IPAddress("1.2.3.4"))
        let unix = try #require(try read(binaryHeader(ProxyHeaderTests.unix, family: 0x31)))
        #expect(unix.client == nil)
    }

    @Test(arguments: [0x00, 0x11, 0x21, 0x31, 0x12, 0xFF] as [UInt8]) func localSaysNothing(family: UInt8) throws {
        for content in [[], ProxyHeaderTests.ipv4, [0x20, 0, 9]] {
            let header = try #require(try read(binaryHeader(content, command: 0x20, family: family)))
            #expect(header.client == nil && !header.isSecure)
        }
    }

    @Test func whatIsUnspecifiedSaysNothing() throws {
        for content in [[], ProxyHeaderTests.ipv4] {
            let header = try #require(try read(binaryHeader(content, family: 0x00)))
            #expect(header.client == nil)
        }
    }

    @Test func extensions() throws {
        let (crc, noop): ([UInt8], [UInt8]) = ([3, 0, 4, 1, 2, 3, 4], [4, 0, 0])
        let (tls, plain): ([UInt8], [UInt8]) = ([0x20, 0, 5, 1, 0, 0, 0, 0], [0x20, 0, 5, 6, 0, 0, 0, 0])
        for (list, isSecure) in [
            ([], false), (crc, false), (noop + crc, false), (crc + tls + noop, true), (plain, false),
            ([0x20, 0, 0], false),
        ] as [([UInt8], Bool)] {
            let header = try #require(try read(binaryHeader(ProxyHeaderTests.ipv4 + list)))
            #expect(header.isSecure == isSecure && header.client == IPAddress("192.0.2.1"))
        }
        for bad in [[3], [3, 0], [3, 0, 1], crc + [0x20, 1, 0, 1]] as [[UInt8]] {
            #expect(throws: ProxyHeaderViolation.extensionCutShort) {
                try header(binaryHeader(ProxyHeaderTests.ipv4 + bad))
            }
        }
    }

    @Test func theLargestHeaderOfVersion2() throws {
        let space = ProxyHeader.maxBytes - 16 - 12 - 3
        let content =
            ProxyHeaderTests.ipv4 + [4, UInt8(space >> 8), UInt8(space & 0xFF)] + [UInt8](repeating: 0, count: space)
        let bytes = binaryHeader(content)
        #expect(try header(bytes)?.byteCount == 4096)
        #expect(throws: ProxyHeaderViolation.tooLong, "as soon as it is announced") {
            try header(binaryHeader([], length: ProxyHeader.maxBytes - 15))
        }
        #expect(throws: ProxyHeaderViolation.tooLong) { try header(binaryHeader([], length: 65_535)) }
    }

    @Test(
        arguments: [
            (0x11, 0x11, .unknownVersion), (0x31, 0x11, .unknownVersion), (0x22, 0x11, .unknownCommand),
            (0x2F, 0x11, .unknownCommand),
            (0x21, 0x12, .unknownFamily), (0x21, 0x10, .unknownFamily), (0x21, 0x41, .unknownFamily),
            (0x21, 0x22, .unknownFamily),
            (0x21, 0x21, .addressesCutShort), (0x21, 0x31, .addressesCutShort),
        ] as [(UInt8, UInt8, ProxyHeaderViolation)])
    func wrongHeaders(command: UInt8, family: UInt8, violation: ProxyHeaderViolation) {
        #expect(throws: violation) {
            try header(binaryHeader(ProxyHeaderTests.ipv4, command: command, family: family))
        }
    }

    @Test(arguments: [
        "GET / HTTP/1.1\r\n\r\n", "\u{16}\u{3}\u{1}", "P", "PR", "PROXX", "POST / HTTP/1.1", "\r\n", "\r\n\r\nGET",
        "\r\n\r\n\0\r\nQUIT ", "proxy ",
        " PROXY TCP4", "\n",
    ])
    func whatIsNone(text: String) throws {
        let bytes = Array(text.utf8)
        let isBeginning = "PROXY ".hasPrefix(text) || Array("\r\n\r\n\0\r\nQUIT\n".utf8).starts(with: bytes)
        if isBeginning {
            #expect(try header(bytes) == nil)
        } else {
            #expect(throws: ProxyHeaderViolation.noHeader) { try header(bytes) }
        }
        #expect(!isAnnounced(bytes))
    }

    @Test func whatAnnouncesOne() {
        for bytes in [text("PROXY TCP4 1.2.3.4 5.6.7.8 1 2"), text("PROXY UNKNOWN"), binaryHeader([])] {
            #expect(isAnnounced(bytes))
            #expect(!isAnnounced(Array(bytes.prefix(8))))
        }
        #expect(!isAnnounced(text("PROXY /x HTTP/1.1")), "a method of that name")
    }

    @Test func everyViolationIsOneUsefulSentence() {
        let messages = ProxyHeaderViolation.allCases.map(\.message)
        #expect(Set(messages).count == messages.count && messages.allSatisfy { $0.contains("PROXY") })
    }
}
