import Bytes
import HTTP

/// A response that does not open a WebSocket, and the part of its content that is shown.
struct Refusal {
    private static let shownBytes = 4096

    private let status: Int
    private var missingBytes: Int
    private var body: [UInt8] = []

    init(_ head: ResponseHead) {
        status = head.status
        switch head.contentEnd {
        case .length(let count): missingBytes = min(count, Refusal.shownBytes)
        case .close: missingBytes = Refusal.shownBytes
        case .chunks: missingBytes = 0
        }
    }

    /// Whether the shown part of the content has arrived.
    var isComplete: Bool { missingBytes == 0 }

    mutating func receive(_ content: RawSpan) {
        let piece = content.extracting(first: missingBytes)
        body.append(piece)
        missingBytes -= piece.byteCount
    }

    /// The response in one line.
    var problem: String {
        "the server answered with status \(status)" + (ErrorBody.text(body).map { ": \($0)" } ?? "")
    }
}
