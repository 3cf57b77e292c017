internal import Bytes

/// The parts of a request line (RFC 9112 3), as offsets into the head.
struct RequestLine {
    let method: RequestHead.Method
    let minorVersion: UInt8
    let target: ByteRange
    /// The target's path: empty in `http://host`, `*` in the asterisk form.
    private(set) var path: ByteRange
    /// The authority of a target in absolute form.
    let authority: ByteRange?

    /// Parses the line in the first `end` bytes of `head`, without its CRLF.
    init(_ head: RawSpan, end: Int) throws(HTTPViolation) {
        guard end > 0 else { throw .emptyRequestLine }
        var methodEnd = 0
        while methodEnd < end, head.byte(at: methodEnd).isTokenByte { methodEnd += 1 }
        guard methodEnd > 0, methodEnd == end || head.byte(at: methodEnd) == ASCII.space else { throw .badMethod }

        var versionStart = end
        while versionStart > methodEnd, head.byte(at: versionStart - 1) != ASCII.space { versionStart -= 1 }
        guard versionStart > methodEnd + 1, versionStart < end else { throw .malformedRequestLine }

        method = RequestHead.Method(head, 0..<methodEnd)
        minorVersion = try Self.minorVersion(head, versionStart..<end)
        let targetBounds = methodEnd + 1..<versionStart - 1
        let form = try Target(head, targetBounds, isOptions: method == .options)
        target = ByteRange(targetBounds.lowerBound, targetBounds.upperBound)
        path = form.path
        authority = form.authority
    }

    /// The same line with only a suffix of its path.
    func withPath(_ part: Range<Int>) -> RequestLine {
        var line = self
        line.path = ByteRange(part.lowerBound, part.upperBound)
        return line
    }

    /// The position of the text after the `?`; nil without a `?`.
    var query: Range<Int>? {
        let start = path.bounds.upperBound + 1
        return start <= target.bounds.upperBound ? start..<target.bounds.upperBound : nil
    }

    private static func minorVersion(_ head: RawSpan, _ version: Range<Int>) throws(HTTPViolation) -> UInt8 {
        if head.matches(version, "HTTP/1.1") { return 1 }
        if head.matches(version, "HTTP/1.0") { return 0 }
        throw .unsupportedVersion
    }
}

extension RequestHead.Method {
    /// Methods are case-sensitive (RFC 9110 9.1).
    fileprivate init(_ head: RawSpan, _ name: Range<Int>) {
        if head.matches(name, "GET") {
            self = .get
        } else if head.matches(name, "POST") {
            self = .post
        } else if head.matches(name, "HEAD") {
            self = .head
        } else {
            self.init(rare: head, name)
        }
    }

    private init(rare head: RawSpan, _ name: Range<Int>) {
        if head.matches(name, "OPTIONS") {
            self = .options
        } else {
            self = head.matches(name, "DELETE") ? .delete : .other
        }
    }
}

/// A request target in origin, absolute or asterisk form (RFC 9112 3.2).
private struct Target {
    let path: ByteRange
    let authority: ByteRange?

    init(_ head: RawSpan, _ target: Range<Int>, isOptions: Bool) throws(HTTPViolation) {
        for offset in target where !head.byte(at: offset).isTargetByte {
            throw head.byte(at: offset) < 0x80 ? .badTarget : .notASCIITarget
        }
        if isOptions, head.matches(target, "*") {
            path = ByteRange(target.lowerBound, target.upperBound)
            authority = nil
            return
        }
        let pathStart: Int
        if !target.isEmpty, head.byte(at: target.lowerBound) == ASCII.slash {
            pathStart = target.lowerBound
            authority = nil
        } else {
            let bounds = try Self.authority(head, target)
            pathStart = bounds.upperBound
            authority = ByteRange(bounds.lowerBound, bounds.upperBound)
        }
        let rest = pathStart..<target.upperBound
        path = ByteRange(pathStart, head.firstOffset(of: ASCII.question, in: rest) ?? target.upperBound)
    }

    /// The authority of `http://authority/path`: servers must accept this form, though clients rarely send it.
    private static func authority(_ head: RawSpan, _ target: Range<Int>) throws(HTTPViolation) -> Range<Int> {
        guard let start = endOfScheme(head, target) else { throw .badTarget }
        var end = start
        while end < target.upperBound, head.byte(at: end) != ASCII.slash, head.byte(at: end) != ASCII.question {
            end += 1
        }
        // RFC 9110 4.2.1 and 4.2.4: an http URI with an empty host or with user information is invalid.
        guard end > start, head.isAuthority(start..<end) else { throw .badTarget }
        return start..<end
    }

    private static func endOfScheme(_ head: RawSpan, _ target: Range<Int>) -> Int? {
        let start = target.lowerBound
        if target.count > 7, head.matchesIgnoringCase(start..<start + 7, "http://") { return start + 7 }
        if target.count > 8, head.matchesIgnoringCase(start..<start + 8, "https://") { return start + 8 }
        return nil
    }
}
