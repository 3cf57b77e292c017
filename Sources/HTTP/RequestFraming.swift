internal import Bytes

/// What a head says about the bytes after it (RFC 9112 6); ambiguous heads are refused.
struct RequestFraming {
    /// Bytes of the body; nil if the request gives no length.
    private(set) var contentLength: Int?
    /// Whether the body is chunked.
    private(set) var isChunked = false
    /// Whether the client waits for a 100 before it sends the body.
    private(set) var expectsContinue = false
    private var hasHost = false

    init(_ head: RequestHead, bodyLimit: Int) throws(HTTPViolation) {
        for field in head.fields { try read(field, of: head) }
        if head.line.minorVersion == 0 {
            // RFC 9110 10.1.1: a 100-continue expectation in an HTTP/1.0 request must be ignored.
            expectsContinue = false
        } else {
            guard hasHost else { throw .missingHost }
        }
        // RFC 9112 6.3: having both may be an attempt to smuggle a request.
        if isChunked, contentLength != nil { throw .contentLengthWithTransferEncoding }
        guard contentLength ?? 0 <= bodyLimit else { throw .bodyTooLarge }
    }

    private mutating func read(_ field: RequestHead.Field, of head: RequestHead) throws(HTTPViolation) {
        let (bytes, name, value) = (head.bytes.rawSpan, field.name.bounds, field.value.bounds)
        switch name.count {
        case 4 where bytes.matchesIgnoringCase(name, "host"):
            try readHost(bytes, value)
        case 6 where bytes.matchesIgnoringCase(name, "expect"):
            guard bytes.matchesIgnoringCase(value, "100-continue") else { throw .unsupportedExpectation }
            expectsContinue = true
        case 14 where bytes.matchesIgnoringCase(name, "content-length"):
            guard contentLength == nil else { throw .repeatedContentLength }
            contentLength = try Self.length(bytes, value)
        case 17 where bytes.matchesIgnoringCase(name, "transfer-encoding"):
            // RFC 9112 6.1: Transfer-Encoding in HTTP/1.0 is faulty framing.
            guard head.line.minorVersion == 1 else { throw .transferEncodingInHTTP10 }
            guard !isChunked, bytes.matchesIgnoringCase(value, "chunked") else { throw .unsupportedTransferEncoding }
            isChunked = true
        default:
            break
        }
    }

    /// RFC 9112 3.2: exactly one Host header; it may be empty if the target has no authority.
    private mutating func readHost(_ bytes: RawSpan, _ value: Range<Int>) throws(HTTPViolation) {
        guard !hasHost else { throw .repeatedHost }
        guard value.isEmpty || bytes.isAuthority(value) else { throw .badHost }
        hasHost = true
    }

    /// RFC 9110 8.6: one or more digits and nothing else, not even a list of equal lengths.
    private static func length(_ bytes: RawSpan, _ value: Range<Int>) throws(HTTPViolation) -> Int {
        guard !value.isEmpty else { throw .badContentLength }
        var length = 0
        for offset in value {
            guard bytes.byte(at: offset).isDigit else { throw .badContentLength }
            let (product, overflow) = length.multipliedReportingOverflow(by: 10)
            let (sum, carry) = product.addingReportingOverflow(Int(bytes.byte(at: offset) - UInt8(ascii: "0")))
            guard !overflow, !carry else { throw .badContentLength }
            length = sum
        }
        return length
    }
}
