internal import Bytes

/// Why input is not a reply of Redis.
struct ReplyViolation: Error, Equatable {
    let reason: String
}

/// Removes strings longer than a limit from Redis' output while they arrive, and puts nil in their place.
///
/// hiredis stores a reply until it is complete, and any publisher in Redis decides how large a message is. Everything
/// else passes unchanged, including protocol errors: the parser reports those.
struct ReplyFilter {
    private enum Stage {
        /// At the first byte of a value.
        case value
        /// In a single-line value, of which this many bytes have arrived.
        case line(Int)
        /// In a string that passes; this many bytes are left, including its line end.
        case string(Int)
        case leftOut(Int)
    }

    /// What the first line of a string or array announces.
    private enum Header {
        case incomplete
        case malformed
        case complete(number: Int, end: Int)
    }

    /// The longest line, for statuses, errors and numbers.
    private static let maxLineBytes = 65_536
    /// The longest header: the kind, a sign, the digits and the line end.
    private static let maxHeaderBytes = 32
    private static let maxDigits = 20
    /// The most elements of an array, because the parser allocates what an array announces.
    private static let maxElements = 1 << 20
    private static let none = Array("$-1\r\n".utf8)

    private let maxStringBytes: Int
    private var stage = Stage.value
    /// The beginning of an incomplete header.
    private var held: [UInt8] = []

    init(maxStringBytes: Int) { self.maxStringBytes = maxStringBytes }

    /// Whether a value has arrived only partly, including a value that is being removed.
    var isMidValue: Bool {
        if case .value = stage { !held.isEmpty } else { true }
    }

    /// Passes on the bytes to parse, in pieces as large as possible, until `pass` returns false.
    mutating func filter(
        _ input: RawSpan, _ pass: (RawSpan) throws(ReplyViolation) -> Bool
    ) throws(ReplyViolation) {
        guard !held.isEmpty else {
            _ = try filterPiece(input, pass)
            return
        }
        var offset = 0
        while offset < input.byteCount, held.last != UInt8(ascii: "\n"), held.count < ReplyFilter.maxHeaderBytes {
            held.append(input.byte(at: offset))
            offset += 1
        }
        guard held.last == UInt8(ascii: "\n") || held.count == ReplyFilter.maxHeaderBytes else { return }
        let header = held
        held = []
        guard try filterPiece(header.rawSpan, pass) else { return }
        _ = try filterPiece(input.extracting(offset...), pass)
    }

    private mutating func filterPiece(
        _ input: RawSpan, _ pass: (RawSpan) throws(ReplyViolation) -> Bool
    ) throws(ReplyViolation) -> Bool {
        var offset = 0
        var passed = 0  // everything before it was passed on or removed
        while offset < input.byteCount {
            switch stage {
            case .value:
                let begin = offset
                guard try beginValue(input, &offset) else {
                    held.append(input.extracting(begin...))
                    return try handOn(input.extracting(passed..<begin), pass)
                }
                guard case .leftOut = stage else { continue }
                guard try handOn(input.extracting(passed..<begin), pass) else { return false }
                guard try pass(ReplyFilter.none.rawSpan) else { return false }
                passed = offset
            case .line(let byteCount): try readLine(byteCount, input, &offset)
            case .string(let left):
                let count = min(left, input.byteCount - offset)
                offset += count
                stage = count == left ? .value : .string(left - count)
            case .leftOut(let left):
                let count = min(left, input.byteCount - offset)
                offset += count
                passed = offset
                stage = count == left ? .value : .leftOut(left - count)
            }
        }
        return try handOn(input.extracting(passed...), pass)
    }

    private func handOn(
        _ piece: RawSpan, _ pass: (RawSpan) throws(ReplyViolation) -> Bool
    ) throws(ReplyViolation) -> Bool {
        piece.byteCount == 0 ? true : try pass(piece)
    }

    /// Reads the header of a value, if it has one, and decides what follows.
    ///
    /// - Returns: false if the header is incomplete.
    private mutating func beginValue(_ input: RawSpan, _ offset: inout Int) throws(ReplyViolation) -> Bool {
        let isString = input.byte(at: offset) == UInt8(ascii: "$")
        guard isString || input.byte(at: offset) == UInt8(ascii: "*") else {
            stage = .line(0)
            return true
        }
        switch header(input, offset) {
        case .incomplete: return false
        case .malformed: stage = .line(0)
        case .complete(let number, let end):
            offset = end
            guard isString else {
                guard number <= ReplyFilter.maxElements else { throw ReplyViolation(reason: "an array of \(number)") }
                return true
            }
            // -1 is nil.
            guard number >= 0 else { return true }
            stage = number > maxStringBytes ? .leftOut(number + 2) : .string(number + 2)
        }
        return true
    }

    private func header(_ input: RawSpan, _ start: Int) -> Header {
        var number = 0
        var offset = start + 1
        let isNegative = offset < input.byteCount && input.byte(at: offset) == UInt8(ascii: "-")
        if isNegative { offset += 1 }
        while offset < input.byteCount {
            let byte = input.byte(at: offset)
            if byte == UInt8(ascii: "\r") {
                guard offset + 1 < input.byteCount else { break }
                guard input.byte(at: offset + 1) == UInt8(ascii: "\n") else { return .malformed }
                return .complete(number: isNegative ? -number : number, end: offset + 2)
            }
            guard byte.isDigit, offset - start <= ReplyFilter.maxDigits, number < Int.max / 100 else {
                return .malformed
            }
            number = number * 10 + Int(byte - UInt8(ascii: "0"))
            offset += 1
        }
        return offset - start < ReplyFilter.maxHeaderBytes ? .incomplete : .malformed
    }

    private mutating func readLine(
        _ byteCount: Int, _ input: RawSpan, _ offset: inout Int
    ) throws(ReplyViolation) {
        let start = offset
        while offset < input.byteCount {
            offset += 1
            guard input.byte(at: offset - 1) != UInt8(ascii: "\n") else {
                stage = .value
                return
            }
        }
        let read = byteCount + offset - start
        guard read <= ReplyFilter.maxLineBytes else { throw ReplyViolation(reason: "a line of \(read) bytes") }
        stage = .line(read)
    }
}
