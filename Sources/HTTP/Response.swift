/// A response that is encoded at once: status, a few headers and a body in memory.
public struct Response: Sendable {
    /// The status of the status line.
    public let status: HTTPStatus
    /// The content; not sent with a status that forbids content (101 and 204).
    public let body: [UInt8]
    /// The header lines added so far, already in wire form.
    private var headerLines: [UInt8] = []

    /// A response with the content `body` and, optionally, its type.
    ///
    /// A content type that contains CR, LF or NUL is left out, as in `addHeader`.
    public init(_ status: HTTPStatus, contentType: String? = nil, body: [UInt8] = []) {
        self.status = status
        self.body = body
        if let contentType { addHeader("Content-Type", contentType) }
    }

    /// Adds one header line; returns false and adds nothing if `value` contains CR, LF or NUL.
    ///
    /// A value may come from the request (an echoed subprotocol). Dropping the line prevents response splitting and,
    /// unlike a trap, cannot be used to stop the server. `name` is a token. encode() itself writes Content-Length,
    /// Connection, Keep-Alive, Date and X-Content-Type-Options.
    @discardableResult
    public mutating func addHeader(_ name: StaticString, _ value: String) -> Bool {
        guard value.utf8.allSatisfy({ $0 != ASCII.cr && $0 != ASCII.lf && $0 != 0 }) else { return false }
        headerLines.reserveCapacity(headerLines.count + name.utf8CodeUnitCount + value.utf8.count + 4)
        headerLines.append(text: name)
        headerLines.append(text: ": ")
        headerLines.append(contentsOf: value.utf8)
        headerLines.append(text: "\r\n")
        return true
    }

    /// The header lines that announce for how long an idle connection is kept open.
    ///
    /// RFC 9112 C.2.2: an HTTP/1.0 client reuses the connection only if these lines are there.
    public static func keepAliveLines(seconds: Int) -> [UInt8] {
        Array("Connection: keep-alive\r\nKeep-Alive: timeout=\(seconds)\r\n".utf8)
    }

    /// Appends the response in wire form to `output`.
    ///
    /// `closing` announces that the connection ends after this response; otherwise `keepAlive` holds the lines that say
    /// how long it is kept. With `isEndless` the body ends with the connection, and more of it follows. `omittingBody`
    /// answers a HEAD request: the length is the body's, but the body is not sent. `date` is the value of the Date
    /// header, in the form of RFC 9110 5.6.7.
    public func encode(
        into output: inout [UInt8], closing: Bool, isEndless: Bool = false, keepAlive: [UInt8] = [],
        omittingBody: Bool = false, date: [UInt8]? = nil
    ) {
        output.append(text: "HTTP/1.1 ")
        output.append(decimal: status.rawValue)
        output.append(ASCII.space)
        output.append(contentsOf: status.reason.utf8)
        output.append(text: "\r\n")
        if !status.forbidsContent && !isEndless {
            output.append(text: "Content-Length: ")
            output.append(decimal: body.count)
            output.append(text: "\r\n")
        }
        if closing {
            output.append(text: "Connection: close\r\n")
        } else {
            output.append(contentsOf: keepAlive)
        }
        if let date {
            output.append(text: "Date: ")
            output.append(contentsOf: date)
            output.append(text: "\r\n")
        }
        // Makes browsers trust the Content-Type and never run a body as a script.
        output.append(text: "X-Content-Type-Options: nosniff\r\n")
        output.append(contentsOf: headerLines)
        output.append(text: "\r\n")
        if !omittingBody && !status.forbidsContent { output.append(contentsOf: body) }
    }
}

extension [UInt8] {
    fileprivate mutating func append(text: StaticString) {
        unsafe append(contentsOf: UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    }

    /// Appends a number that is not negative.
    fileprivate mutating func append(decimal number: Int) {
        if number >= 10 { append(decimal: number / 10) }
        append(UInt8(ascii: "0") + UInt8(number % 10))
    }
}
