internal import Bytes
internal import HTTP

/// Reads the responses to publish requests on one connection.
struct AnswerReader: ~Copyable {
    /// The relevant parts of a response.
    struct Answer: Equatable {
        let failure: PublishFailure?
        /// Whether the connection cannot be used for another request.
        let endsConnection: Bool
    }

    /// The most bytes kept of an error's body.
    private static let keptBytes = 512

    private var heads = ResponseHeadParser()
    private var head: ResponseHead?
    private var body: [UInt8] = []
    private var missingBytes = 0

    /// Reads `content` from `offset` on, up to the end of a response; nil once all is used up.
    mutating func next(_ content: RawSpan, from offset: inout Int) throws(ResponseViolation) -> Answer? {
        if head == nil {
            guard let next = try heads.next(content, from: &offset) else { return nil }
            if next.isInterim { return try self.next(content, from: &offset) }
            // The head of a response of unknown length says enough; its connection is given up.
            guard case .length(let count) = next.contentEnd else { return answer(next, endsConnection: true) }
            head = next
            missingBytes = count
        }
        let piece = content.extracting(offset...).extracting(first: missingBytes)
        body.append(piece.extracting(first: AnswerReader.keptBytes - body.count))
        offset += piece.byteCount
        missingBytes -= piece.byteCount
        guard missingBytes == 0, let head else { return nil }
        defer {
            self.head = nil
            body.removeAll(keepingCapacity: true)
        }
        return answer(head, endsConnection: head.minorVersion == 0 || head.hasToken("close", in: "connection"))
    }

    private func answer(_ head: ResponseHead, endsConnection: Bool) -> Answer {
        guard head.status != 200 else { return Answer(failure: nil, endsConnection: endsConnection) }
        // Publishing always uses the same key, channels and sizes, so a request error stays one; 429 asks to wait.
        let isFinal = head.status < 500 && head.status != 429
        let text = ErrorBody.text(body).map { "status \(head.status): \($0)" } ?? "status \(head.status)"
        return Answer(failure: PublishFailure(text: text, isFinal: isFinal), endsConnection: endsConnection)
    }
}
