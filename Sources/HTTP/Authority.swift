internal import Bytes

extension RawSpan {
    /// Whether `range` is a host with an optional port (RFC 9110 7.2, RFC 3986 3.2.2) and without user information.
    func isAuthority(_ range: Range<Int>) -> Bool {
        guard !range.isEmpty, let hostEnd = endOfHost(range) else { return false }
        guard hostEnd < range.upperBound else { return true }
        return byte(at: hostEnd) == ASCII.colon && isPort(hostEnd + 1..<range.upperBound)
    }

    /// The offset after the host at the start of `range`; nil if there is none.
    private func endOfHost(_ range: Range<Int>) -> Int? {
        byte(at: range.lowerBound) == UInt8(ascii: "[") ? endOfAddress(range) : endOfName(range)
    }

    /// An IPv6 address in `[` `]`: only its characters are checked, because nothing here connects to it.
    private func endOfAddress(_ range: Range<Int>) -> Int? {
        var offset = range.lowerBound + 1
        while offset < range.upperBound {
            let byte = byte(at: offset)
            if byte == UInt8(ascii: "]") { return offset > range.lowerBound + 2 ? offset + 1 : nil }
            guard byte.hexDigitValue != nil || byte == ASCII.colon || byte == UInt8(ascii: ".") else { return nil }
            offset += 1
        }
        return nil
    }

    /// A registered name or an IPv4 address.
    private func endOfName(_ range: Range<Int>) -> Int? {
        var offset = range.lowerBound
        while offset < range.upperBound {
            if byte(at: offset).isHostByte {
                offset += 1
            } else if range.upperBound - offset >= 3, byte(at: offset) == ASCII.percent,
                byte(at: offset + 1).hexDigitValue != nil, byte(at: offset + 2).hexDigitValue != nil
            {
                offset += 3
            } else {
                break
            }
        }
        return offset > range.lowerBound ? offset : nil
    }

    /// RFC 3986 3.2.3 lets a port be empty.
    private func isPort(_ range: Range<Int>) -> Bool {
        guard range.count <= 5 else { return false }
        var port = 0
        for offset in range {
            guard byte(at: offset).isDigit else { return false }
            port = port * 10 + Int(byte(at: offset) - UInt8(ascii: "0"))
        }
        return port <= 65535
    }
}
