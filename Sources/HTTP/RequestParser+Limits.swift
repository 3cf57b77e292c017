extension RequestParser {
    /// Limits for one request, each inclusive.
    public struct Limits: Sendable {
        /// Bytes of the request line without its CRLF.
        public let requestLineBytes: UInt32
        /// Bytes of the head, from the request line to the empty line, including line ends.
        ///
        /// Also limits the sum of a chunked body's extensions, and the sum of its trailer fields.
        public let headBytes: UInt32
        /// Header fields.
        public let headerCount: UInt32
        /// Bytes of the body after decoding chunks.
        public let bodyBytes: UInt32

        /// Limits that suit a push server; values beyond 32 bits are clamped.
        public init(
            requestLineBytes: Int = 8192, headBytes: Int = 16384, headerCount: Int = 100, bodyBytes: Int = 1 << 20
        ) {
            self.requestLineBytes = UInt32(clamping: requestLineBytes)
            self.headBytes = UInt32(clamping: headBytes)
            self.headerCount = UInt32(clamping: headerCount)
            self.bodyBytes = UInt32(clamping: bodyBytes)
        }
    }
}

extension ChunkedDecoder.Limits {
    init(_ limits: RequestParser.Limits) {
        body = Int(limits.bodyBytes)
        extensions = Int(limits.headBytes)
        trailers = Int(limits.headBytes)
    }
}
