@testable import TLSRecord

/// The expected result of a reader, from a list of all records that were ever made: no other record is authentic.
struct NaiveReader {
    private let suite: RecordSuite
    private let role: RecordReader.Role
    private let sealed: [[UInt8]: SealedRecord]
    private var generation = 0
    private var sequence: UInt64 = 0
    private var opened = Opened()
    private var messages: [UInt8] = []
    /// Each key update adds 16, each record of data subtracts 1.
    private var debt = 0

    init(_ suite: RecordSuite, _ role: RecordReader.Role, _ sealed: [[UInt8]: SealedRecord]) {
        self.suite = suite
        self.role = role
        self.sealed = sealed
    }

    private var isTLS13: Bool { suite.version == .tls13 }

    consuming func open(_ bytes: [UInt8]) -> Opened {
        var rest = bytes[...]
        do throws(RecordViolation) {
            while opened.end == nil, let record = try nextRecord(&rest) { try take(record) }
        } catch {
            opened.end = .violation(error)
        }
        return opened
    }

    private mutating func nextRecord(_ rest: inout ArraySlice<UInt8>) throws(RecordViolation) -> [UInt8]? {
        let header = Array(rest.prefix(5))
        if let type = header.first, isTLS13 ? type != 23 : !(20...23).contains(type) { throw .unexpectedMessage }
        guard header.count == 5 else { return nil }
        let count = Int(header[3]) * 256 + Int(header[4])
        if count > (isTLS13 ? 16_384 + 256 : 16_384 + 2048) { throw .recordOverflow }
        let record = Array(rest.prefix(5 + count))
        guard record.count == 5 + count else { return nil }
        rest = rest.dropFirst(record.count)
        opened.recordBytes += record.count
        return record
    }

    private mutating func take(_ record: [UInt8]) throws(RecordViolation) {
        guard let made = sealed[record], made.generation == generation, made.sequence == sequence else {
            throw .badRecordMAC
        }
        sequence += 1
        var content = made.plaintext
        var type = record[0]
        if isTLS13 {
            if content.count > 16_385 { throw .recordOverflow }
            while content.last == 0 { content.removeLast() }
            guard let last = content.popLast() else { throw .unexpectedMessage }
            type = last
        }
        if content.count > 16_384 { throw .recordOverflow }
        if !(20...23).contains(type) { throw .unexpectedMessage }
        if content.isEmpty, type != 23 { throw .emptyFragment }
        if type == 20 || type != 22 && !messages.isEmpty { throw .unexpectedMessage }
        switch type {
        case 21: try takeAlert(content)
        case 22: try takeMessages(content)
        default:
            opened.data += content
            if !content.isEmpty { debt = max(0, debt - 1) }
        }
    }

    private mutating func takeAlert(_ alert: [UInt8]) throws(RecordViolation) {
        if alert.count != 2 { throw .malformedAlert }
        if alert[1] == 0 {
            opened.end = .closeNotify
        } else if isTLS13 ? alert[1] != 90 : alert[0] != 1 {
            opened.end = .alert(alert[1])
        }
    }

    private mutating func takeMessages(_ fragment: [UInt8]) throws(RecordViolation) {
        messages += fragment
        while messages.count >= 4 {
            let count = (Int(messages[1]) * 256 + Int(messages[2])) * 256 + Int(messages[3])
            switch (messages[0], isTLS13, role == .client) {
            case (24, true, _): if count != 1 { throw .malformedMessage }
            case (4, true, true): if count > 65_536 { throw .malformedMessage }
            case (0, false, true): if count != 0 { throw .malformedMessage }
            case (1, false, false): throw .renegotiation
            default: throw .unexpectedMessage
            }
            if messages.count < 4 + count { return }
            let (type, body) = (messages[0], Array(messages[4..<4 + count]))
            messages = Array(messages[(4 + count)...])
            guard type == 24 else { continue }
            if body[0] > 1 { throw .illegalParameter }
            if !messages.isEmpty { throw .messageAcrossKeyChange }
            debt += 16
            if debt > 32 * 16 { throw .tooManyKeyUpdates }
            if body[0] == 1 { opened.wantsKeyUpdate = true }
            generation += 1
            sequence = 0
        }
    }
}
