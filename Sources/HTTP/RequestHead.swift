internal import Bytes

/// The request line and the header fields of one request.
///
/// Owns the head's bytes and the positions of its parts: strings are created on request, comparisons need none.
public struct RequestHead: Sendable {
    /// The methods this server distinguishes.
    public enum Method: Equatable, Sendable { case get, head, post, delete, options, other }

    /// The positions of a header field's name and value, without the white space around the value.
    struct Field {
        let name: ByteRange
        let value: ByteRange
    }

    let bytes: [UInt8]
    let line: RequestLine
    let fields: [Field]

    /// The size of the head.
    public var byteCount: Int { bytes.count }

    /// The request method.
    public var method: Method { line.method }

    /// 0 for HTTP/1.0 or 1 for HTTP/1.1.
    public var minorVersion: Int { Int(line.minorVersion) }

    /// The request target as it was sent, for logs.
    public var target: String { string(line.target.bounds) }

    /// The host and port of the request: the target's if it is in absolute form, else the Host header's.
    ///
    /// RFC 9112 3.2.2: a target in absolute form overrides the Host header, so do not use `value(of: "host")`.
    public var host: String? { line.authority.map { string($0.bounds) } ?? value(of: "host") }

    /// Lends the bytes of `host`; nil if the request has none.
    public func withHost<Result>(_ body: (RawSpan) -> Result) -> Result? {
        guard let authority = line.authority else { return withValue(of: "host", body) }
        return body(bytes.rawSpan.extracting(authority.bounds))
    }

    /// The target's path without the query; escapes are not decoded.
    public var path: String { line.path.bounds.isEmpty ? "/" : string(line.path.bounds) }

    /// Whether the target's path is `path`, compared byte by byte, without the query and without decoding escapes.
    public func isPath(_ path: StaticString) -> Bool {
        let bounds = line.path.bounds
        // RFC 9110 4.2.3: the empty path of `http://host` is "/".
        guard !bounds.isEmpty else { return "\(path)" == "/" }
        return bytes.rawSpan.matches(bounds, path)
    }

    /// Whether the connection may carry another request after this one (RFC 9112 9.3).
    public var keepsAlive: Bool {
        guard !hasToken("close", in: "connection") else { return false }
        return line.minorVersion == 1 || hasToken("keep-alive", in: "connection")
    }

    /// The bytes of `range` as text; bytes that are not UTF-8 become U+FFFD.
    func string(_ range: Range<Int>) -> String {
        String(decoding: bytes[range], as: UTF8.self)
    }
}
