internal import Bytes

/// Writes events so that a client gets the same text back.
enum EventText {
    /// Appends an event.
    ///
    /// Each line of the text becomes a `data:` line. A client joins them with LF, so CR and CR LF in a text reach it as
    /// LF; nothing else changes.
    ///
    /// - Parameter type: the event's type, one line; nil for a message.
    static func append(_ text: [UInt8], type: String? = nil, to output: inout [UInt8]) {
        output.reserveCapacity(output.count + text.count + 32)
        if let type {
            output.append(contentsOf: "event: ".utf8)
            output.append(contentsOf: type.utf8)
            output.append(lineFeed)
        }
        let bytes = text.rawSpan
        var start = 0
        while true {
            let end = endOfLine(bytes, from: start)
            output.append(contentsOf: "data: ".utf8)
            output.append(bytes.extracting(start..<end))
            output.append(lineFeed)
            guard end < bytes.byteCount else { break }
            start = beginOfNextLine(bytes, after: end)
        }
        output.append(lineFeed)
    }

    /// Appends the line that gives the event after it, or none, an id.
    static func append(id cursor: EventCursor, to output: inout [UInt8]) {
        output.append(contentsOf: "id: ".utf8)
        output.append(contentsOf: cursor.text.utf8)
        output.append(lineFeed)
    }

    private static let lineFeed = UInt8(ascii: "\n")
    private static let carriageReturn = UInt8(ascii: "\r")

    /// The offset of the first line break from `start` on; the end of the text if there is none.
    private static func endOfLine(_ bytes: RawSpan, from start: Int) -> Int {
        var offset = start
        while offset < bytes.byteCount {
            let byte = bytes.byte(at: offset)
            if byte == lineFeed || byte == carriageReturn { break }
            offset += 1
        }
        return offset
    }

    private static func beginOfNextLine(_ bytes: RawSpan, after end: Int) -> Int {
        let isPair =
            bytes.byte(at: end) == carriageReturn && end + 1 < bytes.byteCount && bytes.byte(at: end + 1) == lineFeed
        return end + (isPair ? 2 : 1)
    }
}
