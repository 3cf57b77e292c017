internal import Bytes

/// Finds the lines of a head and checks each one when it is complete (RFC 9112 2.2, 3 and 5).
///
/// Each call gets the head from its first byte on and continues where the last one stopped: each byte is read once to
/// find the end of its line and once to parse the line. The error it throws does not depend on how the head was split.
struct HeadScanner {
    private(set) var line: RequestLine?
    private(set) var fields: [RequestHead.Field] = []
    private var lineStart: UInt32 = 0
    private var position: UInt32 = 0

    /// Scans further; returns the offset after the head's empty line, or nil if the head is incomplete.
    mutating func scan(_ head: RawSpan, limits: RequestParser.Limits) throws(HTTPViolation) -> Int? {
        while let end = try nextLineEnd(head, limits: limits) {
            let start = Int(lineStart)
            position += 2
            lineStart = position
            if line == nil {
                line = try RequestLine(head, end: end)
                fields.reserveCapacity(16)
            } else if start == end {
                return Int(position)
            } else {
                guard fields.count < Int(limits.headerCount) else { throw .tooManyHeaders }
                fields.append(try RequestHead.Field(head, start..<end))
            }
        }
        return nil
    }

    /// The offset of the current line's CR once its LF has arrived; `position` moves up to that CR.
    private mutating func nextLineEnd(
        _ head: RawSpan, limits: RequestParser.Limits
    ) throws(HTTPViolation) -> Int? {
        let headLimit = Int(limits.headBytes)
        let lineLimit = line == nil ? min(Int(limits.requestLineBytes), headLimit) : headLimit
        let end = head.endOfText(from: Int(position), to: min(head.byteCount, lineLimit))
        position = UInt32(end)
        guard end < head.byteCount else { return nil }
        guard end < headLimit else { throw .headTooLarge }
        switch head.byte(at: end) {
        case ASCII.cr: break
        case _ where end == lineLimit: throw .requestLineTooLong
        case ASCII.lf: throw .bareLF
        default: throw line == nil ? .controlInRequestLine : .controlInHeader
        }
        guard end + 1 < head.byteCount else { return nil }
        guard end + 1 < headLimit else { throw .headTooLarge }
        guard head.byte(at: end + 1) == ASCII.lf else { throw .bareCR }
        return end
    }
}

extension RequestHead.Field {
    /// Parses a header line without its CRLF; control bytes have been refused before.
    fileprivate init(_ head: RawSpan, _ line: Range<Int>) throws(HTTPViolation) {
        // RFC 9112 5.2 lets a server refuse line folding, and 2.2 white space before the first field.
        guard !head.byte(at: line.lowerBound).isBlank else { throw .obsoleteFolding }
        var colon = line.lowerBound
        while colon < line.upperBound, head.byte(at: colon).isTokenByte { colon += 1 }
        guard colon < line.upperBound else { throw .missingColon }
        // RFC 9112 5.1: white space before the colon must be refused, because it has been used to smuggle requests.
        guard !head.byte(at: colon).isBlank else { throw .spaceBeforeColon }
        guard colon > line.lowerBound, head.byte(at: colon) == ASCII.colon else { throw .badHeaderName }
        let bounds = head.trimmed(colon + 1..<line.upperBound)
        name = ByteRange(line.lowerBound, colon)
        value = ByteRange(bounds.lowerBound, bounds.upperBound)
    }
}
