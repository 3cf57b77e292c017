// The field lines of a response follow the grammar of a request's (RFC 9112 2.1), so the request scanner parses them.
// It needs a request line first: a dummy one takes the place of the status line, which is parsed here.

internal import Bytes

/// A strict incremental parser of the heads of HTTP/1.0 and 1.1 responses (RFC 9112), for clients.
///
/// The caller reads the content and may then parse another head. After a violation every further call throws the same
/// one.
public struct ResponseHeadParser: ~Copyable {
    private enum Phase {
        case statusLine
        case fields(StatusLine)
        case failed(ResponseViolation)
    }

    private static let requestLine = Array("GET / HTTP/1.1\r\n".utf8)

    private let statusLineBytes: Int
    private let limits: RequestParser.Limits
    private var phase = Phase.statusLine
    private var scanner = HeadScanner()
    /// The status line so far; later the dummy request line and the field lines so far.
    private var partialHead: [UInt8] = []

    /// A parser for one connection; the limits are inclusive.
    ///
    /// - Parameters:
    ///   - statusLineBytes: bytes of the status line without its CRLF.
    ///   - fieldBytes: bytes of the field lines and the empty line, line ends included.
    ///   - fieldCount: field lines.
    public init(statusLineBytes: Int = 1024, fieldBytes: Int = 16384, fieldCount: Int = 100) {
        self.statusLineBytes = statusLineBytes
        limits = RequestParser.Limits(
            headBytes: fieldBytes + ResponseHeadParser.requestLine.count, headerCount: fieldCount)
    }

    /// Consumes `input` from `offset` on, up to the end of a head; nil once the input is used up.
    ///
    /// The offset is then exactly after the head: the rest is content or belongs to another protocol.
    public mutating func next(_ input: RawSpan, from offset: inout Int) throws(ResponseViolation) -> ResponseHead? {
        do throws(ResponseViolation) {
            if case .statusLine = phase { try readStatusLine(input, from: &offset) }
            switch phase {
            case .statusLine: return nil
            case .fields(let status): return try readFields(after: status, input, from: &offset)
            case .failed(let violation): throw violation
            }
        } catch {
            phase = .failed(error)
            partialHead = []
            throw error
        }
    }

    private mutating func readStatusLine(
        _ input: RawSpan, from offset: inout Int
    ) throws(ResponseViolation) {
        while offset < input.byteCount {
            let byte = input.byte(at: offset)
            offset += 1
            if partialHead.last == ASCII.cr {
                guard byte == ASCII.lf else { throw .head(.bareCR) }
                partialHead.removeLast()
                phase = .fields(try StatusLine(partialHead.rawSpan))
                partialHead = ResponseHeadParser.requestLine
                return
            }
            if byte != ASCII.cr {
                guard byte != ASCII.lf else { throw .head(.bareLF) }
                guard !byte.isForbiddenControl else { throw .controlInStatusLine }
                guard partialHead.count < statusLineBytes else { throw .statusLineTooLong }
            }
            partialHead.append(byte)
        }
    }

    private mutating func readFields(
        after status: StatusLine, _ input: RawSpan, from offset: inout Int
    ) throws(ResponseViolation) -> ResponseHead? {
        // One byte beyond the limit is enough for the scanner to refuse; bytes after the head are given back.
        var bytes: [UInt8] = []
        swap(&bytes, &partialHead)
        let known = bytes.count
        let count = min(Int(limits.headBytes) + 1 - known, input.byteCount - offset)
        bytes.append(input.extracting(offset..<offset + count))
        do throws(HTTPViolation) {
            guard let end = try scanner.scan(bytes.rawSpan, limits: limits), let line = scanner.line else {
                partialHead = bytes
                offset += count
                return nil
            }
            offset += end - known
            bytes.removeLast(bytes.count - end)
            let lines = RequestHead(bytes: bytes, line: line, fields: scanner.fields)
            scanner = HeadScanner()
            phase = .statusLine
            return try ResponseHead(status, lines)
        } catch {
            throw .head(error)
        }
    }
}

/// The parts of a status line that matter; the reason phrase is ignored (RFC 9112 4).
struct StatusLine {
    let code: Int
    let minorVersion: Int

    /// Parses a line without its CRLF.
    init(_ line: RawSpan) throws(ResponseViolation) {
        guard line.byteCount >= 13, line.matches(0..<5, "HTTP/"), line.byte(at: 8) == ASCII.space,
            line.byte(at: 12) == ASCII.space
        else { throw .malformedStatusLine }
        if line.matches(5..<8, "1.1") {
            minorVersion = 1
        } else if line.matches(5..<8, "1.0") {
            minorVersion = 0
        } else {
            throw .head(.unsupportedVersion)
        }
        var code = 0
        for offset in 9..<12 {
            guard line.byte(at: offset).isDigit else { throw .malformedStatusLine }
            code = code * 10 + Int(line.byte(at: offset) - UInt8(ascii: "0"))
        }
        guard (100...599).contains(code) else { throw .badStatus }
        self.code = code
    }
}
