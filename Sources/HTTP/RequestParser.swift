internal import Bytes

/// A request with its complete body.
public struct Request: Sendable {
    /// The request line and the header fields.
    public let head: RequestHead
    /// The content after decoding chunks; empty if there is none.
    public let body: [UInt8]
}

/// A strict incremental parser of HTTP/1.0 and 1.1 requests (RFC 9112); refuses ambiguous requests.
///
/// It holds no buffer between requests. A head that is complete in the input is parsed in place; only a split head is
/// copied and kept until the rest arrives. After a violation every further call throws the same one.
public struct RequestParser: ~Copyable {
    /// What `next` found.
    public enum Event: Sendable {
        /// The head of a request with a body, before any of the body is read.
        ///
        /// The caller decides now whether to read the body: `next` reads it. `expectsContinue` means that the client
        /// waits for a 100 Continue (RFC 9110 10.1.1).
        case head(RequestHead, expectsContinue: Bool)
        /// A complete request; if it has a body, its head was reported before.
        case request(Request)
    }

    private enum Phase {
        case start, emptyLineLF, head, body, chunks
        case failed(HTTPViolation)
    }

    private let limits: Limits
    private var phase = Phase.start
    private var scanner = HeadScanner()
    /// The part of a split head that has arrived.
    private var partialHead: [UInt8] = []
    private var head: RequestHead?
    private var body: [UInt8] = []
    /// Bytes of a body with a Content-Length that have not arrived yet.
    private var remaining: UInt32 = 0
    private var chunks = ChunkedDecoder()

    /// A parser for one connection.
    public init(limits: Limits = Limits()) {
        self.limits = limits
    }

    /// Whether the parser is between requests: no byte of the next one has arrived.
    ///
    /// An empty line before a request line does not count.
    public var isIdle: Bool {
        switch phase {
        case .start: true
        case .head: partialHead.isEmpty
        default: false
        }
    }

    /// Bytes of memory held for an incomplete request.
    public var heldBytes: Int {
        partialHead.capacity + body.capacity + (head?.bytes.capacity ?? 0)
    }

    /// Consumes `input` from `offset` on, up to the next event; nil once the input is used up.
    ///
    /// After `.request` the offset is exactly after that request: call again for a pipelined request, or hand the rest
    /// to another protocol.
    public mutating func next(_ input: RawSpan, from offset: inout Int) throws(HTTPViolation) -> Event? {
        do throws(HTTPViolation) {
            return try advance(input, from: &offset)
        } catch {
            self = RequestParser(limits: limits, failed: error)
            throw error
        }
    }

    private init(limits: Limits, failed violation: HTTPViolation) {
        self.limits = limits
        phase = .failed(violation)
    }

    private mutating func advance(_ input: RawSpan, from offset: inout Int) throws(HTTPViolation) -> Event? {
        while true {
            switch phase {
            case .start, .emptyLineLF:
                guard offset < input.byteCount else { return nil }
                try skipEmptyLine(input, from: &offset)
            case .head:
                guard let complete = try readHead(input, from: &offset) else { return nil }
                let framing = try beginBody(complete)
                guard framing.isChunked || remaining > 0 else { return finish() }
                // A client that has begun to send its body is not waiting for a 100 (RFC 9110 10.1.1).
                let waits = framing.expectsContinue && offset == input.byteCount
                return .head(complete, expectsContinue: waits)
            case .body:
                guard readBody(input, from: &offset) else { return nil }
                return finish()
            case .chunks:
                let limits = ChunkedDecoder.Limits(limits)
                guard try chunks.decode(input, from: &offset, into: &body, limits: limits) else { return nil }
                return finish()
            case .failed(let violation):
                throw violation
            }
        }
    }

    /// RFC 9112 2.2: ignore one empty line before the request line, because some clients send one after a body.
    private mutating func skipEmptyLine(_ input: RawSpan, from offset: inout Int) throws(HTTPViolation) {
        let byte = input.byte(at: offset)
        if case .start = phase, byte == ASCII.cr {
            phase = .emptyLineLF
            offset += 1
        } else if case .emptyLineLF = phase {
            guard byte == ASCII.lf else { throw .bareCR }
            phase = .head
            offset += 1
        } else {
            phase = .head
        }
    }

    private mutating func readHead(
        _ input: RawSpan, from offset: inout Int
    ) throws(HTTPViolation) -> RequestHead? {
        guard partialHead.isEmpty else { return try readPartialHead(input, from: &offset) }
        let rest = input.extracting(offset..<input.byteCount)
        guard let end = try scanner.scan(rest, limits: limits) else {
            partialHead.append(rest)
            offset = input.byteCount
            return nil
        }
        offset += end
        var bytes: [UInt8] = []
        bytes.append(rest.extracting(0..<end))
        return takeHead(bytes)
    }

    private mutating func readPartialHead(
        _ input: RawSpan, from offset: inout Int
    ) throws(HTTPViolation) -> RequestHead? {
        // One byte beyond the limit is enough for the scanner to refuse; bytes after the head are given back.
        var bytes: [UInt8] = []
        swap(&bytes, &partialHead)
        let known = bytes.count
        let count = min(Int(limits.headBytes) + 1 - known, input.byteCount - offset)
        bytes.append(input.extracting(offset..<offset + count))
        guard let end = try scanner.scan(bytes.rawSpan, limits: limits) else {
            partialHead = bytes
            offset += count
            return nil
        }
        offset += end - known
        bytes.removeLast(bytes.count - end)
        return takeHead(bytes)
    }

    private mutating func takeHead(_ bytes: [UInt8]) -> RequestHead? {
        let head = scanner.line.map { RequestHead(bytes: bytes, line: $0, fields: scanner.fields) }
        scanner = HeadScanner()
        return head
    }

    /// Continues with the body.
    private mutating func beginBody(_ complete: RequestHead) throws(HTTPViolation) -> RequestFraming {
        let framing = try RequestFraming(complete, bodyLimit: Int(limits.bodyBytes))
        head = complete
        remaining = UInt32(framing.contentLength ?? 0)
        phase = framing.isChunked ? .chunks : .body
        return framing
    }

    private mutating func readBody(_ input: RawSpan, from offset: inout Int) -> Bool {
        // Reserve no memory for an announced length; the body grows as bytes arrive.
        let count = min(Int(remaining), input.byteCount - offset)
        if count > 0 { body.append(input.extracting(offset..<offset + count)) }
        offset += count
        remaining -= UInt32(count)
        return remaining == 0
    }

    private mutating func finish() -> Event? {
        let event = head.map { Event.request(Request(head: $0, body: body)) }
        self = RequestParser(limits: limits)
        return event
    }
}
