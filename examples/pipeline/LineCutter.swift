/// Cuts the text of a gzip file into batches of whole lines.
///
/// A batch ends with the last line that fits, so the same file always gives the same batches. This is what makes it
/// possible to write a batch again after a crash.
struct LineCutter {
    /// Whole lines of a file.
    struct Piece {
        var text: [UInt8]
        /// How many lines were left out because one alone is larger than a batch.
        var tooLong: Int
        /// How many bytes of the file this took.
        var fileBytes: Int
        var isLast: Bool
    }

    private let reader: GzipReader
    private let batchBytes: Int
    /// The begin of a line whose end did not fit.
    private var rest: [UInt8] = []
    private var isInsideLongLine = false

    init(_ path: String, batchBytes: Int) throws {
        reader = try GzipReader(path)
        self.batchBytes = batchBytes
    }

    /// The next piece; not to be called after the last one.
    mutating func next() throws -> Piece {
        let begin = reader.offset
        var text: [UInt8] = []
        text.reserveCapacity(batchBytes)
        text += rest
        rest = []
        var tooLong = 0
        while true {
            let isMore = try reader.fill(&text, upTo: batchBytes)
            let wasCut = isInsideLongLine && skipLongLine(&text)
            if !isMore { return Piece(text: text, tooLong: tooLong, fileBytes: reader.offset - begin, isLast: true) }
            if wasCut || isInsideLongLine { continue }
            if let end = text.lastIndex(of: newline) {
                rest = Array(text[(end + 1)...])
                text.removeSubrange((end + 1)...)
                return Piece(text: text, tooLong: tooLong, fileBytes: reader.offset - begin, isLast: false)
            }
            tooLong += 1
            isInsideLongLine = true
            text.removeAll(keepingCapacity: true)
        }
    }

    /// Removes what belongs to the line that is too long; returns whether the line ends here.
    private mutating func skipLongLine(_ text: inout [UInt8]) -> Bool {
        guard let end = text.firstIndex(of: newline) else {
            text.removeAll(keepingCapacity: true)
            return false
        }
        text.removeSubrange(...end)
        isInsideLongLine = false
        return true
    }
}

let newline = UInt8(ascii: "\n")
