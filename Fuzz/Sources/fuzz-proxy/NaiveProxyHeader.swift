@testable import Access

/// A naive parser of headers: it first finds the end of one, then looks inside.
enum NaiveProxyHeader {
    private static let signature: [UInt8] = [0x0D, 0x0A, 0x0D, 0x0A, 0x00, 0x0D, 0x0A, 0x51, 0x55, 0x49, 0x54, 0x0A]
    private static let text = Array("PROXY ".utf8)

    static func read(_ bytes: [UInt8]) -> Outcome {
        for start in [text, signature] {
            if bytes.starts(with: start) { return start == text ? line(bytes) : binary(bytes) }
            if start.starts(with: bytes) { return .incomplete }
        }
        return .refused(.noHeader)
    }

    private static func line(_ bytes: [UInt8]) -> Outcome {
        let lines = bytes.prefix(107).split(separator: 0x0A, maxSplits: 1, omittingEmptySubsequences: false)
        guard lines.count > 1 else { return bytes.count < 107 ? .incomplete : .refused(.lineTooLong) }
        guard lines[0].last == 0x0D, lines[0].dropLast().allSatisfy({ $0 >= 0x20 && $0 < 0x7F }) else {
            return .refused(.malformedLine)
        }
        let words = lines[0].dropLast().split(separator: 0x20, omittingEmptySubsequences: false)
            .map { String(decoding: $0, as: UTF8.self) }
        let byteCount = lines[0].count + 1
        if words[1] == "UNKNOWN" { return .header(ProxyHeader(byteCount: byteCount)) }
        guard words.count == 6, ["TCP4", "TCP6"].contains(words[1]), isPort(words[4]), isPort(words[5]),
            let source = address(words[2], words[1]), address(words[3], words[1]) != nil
        else { return .refused(.malformedLine) }
        return .header(ProxyHeader(client: source, byteCount: byteCount))
    }

    private static func address(_ word: String, _ protocolName: String) -> IPAddress? {
        word.contains(":") == (protocolName == "TCP6") ? IPAddress(word) : nil
    }

    private static func isPort(_ word: String) -> Bool {
        (0...65_535).contains(Int(word) ?? -1) && "\(Int(word) ?? -1)" == word
    }

    private static func binary(_ bytes: [UInt8]) -> Outcome {
        let rest = Array(bytes.dropFirst(12))
        guard let first = rest.first else { return .incomplete }
        guard first & 0xF0 == 0x20 else { return .refused(.unknownVersion) }
        guard [0x20, 0x21].contains(first) else { return .refused(.unknownCommand) }
        guard rest.count >= 4 else { return .incomplete }
        let length = Int(rest[2]) * 256 + Int(rest[3])
        guard 16 + length <= 4096 else { return .refused(.tooLong) }
        guard rest.count >= 4 + length else { return .incomplete }
        let empty = ProxyHeader(byteCount: 16 + length)
        guard first == 0x21, !(0x00...0x0F).contains(rest[1]) else { return .header(empty) }
        guard let size = [0x11: 12, 0x21: 36, 0x31: 216][Int(rest[1])] else { return .refused(.unknownFamily) }
        let content = Array(rest[4..<4 + length])
        guard content.count >= size else { return .refused(.addressesCutShort) }
        guard let isSecure = tls(Array(content[size...])) else { return .refused(.extensionCutShort) }
        var header = empty
        header.isSecure = isSecure
        if size == 12 { header.client = IPAddress(content[..<4].map { "\($0)" }.joined(separator: ".")) }
        if size == 36 {
            let groups = stride(from: 0, to: 16, by: 2).map { Int(content[$0]) * 256 + Int(content[$0 + 1]) }
            header.client = IPAddress(groups.map { String($0, radix: 16) }.joined(separator: ":"))
        }
        return .header(header)
    }

    /// Whether the last TLS extension that says anything says yes; nil if one ends too early.
    private static func tls(_ extensions: [UInt8]) -> Bool? {
        var (rest, isSecure) = (extensions[...], false)
        while !rest.isEmpty {
            let lead = Array(rest.prefix(3))
            guard lead.count == 3, rest.count - 3 >= Int(lead[1]) * 256 + Int(lead[2]) else { return nil }
            rest = rest.dropFirst(3)
            let value = rest.prefix(Int(lead[1]) * 256 + Int(lead[2]))
            if lead[0] == 0x20, let flags = value.first { isSecure = flags % 2 == 1 }
            rest = rest.dropFirst(value.count)
        }
        return isSecure
    }
}
