internal import TLSRecord

/// The record layer of `TLSRecord`: an idle session holds only its keys (docs/decisions/0014).
final class CompactRecords: RecordLayer {
    private let output: TLSOutput
    // Unchecked because they are used for every read and record, by code that cannot call back (docs/decisions/0009).
    @safe @exclusivity(unchecked) private var reader: RecordReader
    @safe @exclusivity(unchecked) private var sealer: RecordSealer
    /// The beginning of an incomplete record.
    private var partialRecord: [UInt8] = []

    init(_ agreement: TLSHandshake.Agreement, role: RecordReader.Role, output: TLSOutput) {
        self.output = output
        reader = RecordReader(agreement.reading, role: role)
        sealer = RecordSealer(agreement.writing, maxContentBytes: agreement.maxContentBytes)
    }

    deinit { output.ciphers.forgetKeys() }

    var heldInputBytes: Int { partialRecord.capacity }

    func fill(_ buffer: ReadBuffer, from descriptor: Int32, atMost byteCount: Int) -> Socket.ReadResult {
        buffer.fill(from: descriptor, atMost: byteCount, after: partialRecord)
    }

    func open(_ buffer: ReadBuffer) -> OpenedRecords {
        var progress = RecordReader.Progress()
        buffer.replaceContent { bytes in
            progress = reader.read(&bytes, with: output.ciphers)
            partialRecord = unsafe bytes.withUnsafeBytes { unsafe Array($0[progress.recordBytes...]) }
            return progress.dataBytes
        }
        if reader.wantsKeyUpdate { sealer.askForKeyUpdate() }
        return OpenedRecords(dataBytes: progress.dataBytes, end: progress.end.map(end))
    }

    private func end(_ end: RecordReader.End) -> TLSSession.ReadResult {
        switch end {
        case .closeNotify: return .endOfStream
        case .alert(let code): return .failed(reason: OpenSSLError.words(alert: code))
        case .violation(let violation):
            put(.alert, [2, violation.alert])
            return .failed(reason: violation.description)
        }
    }

    func seal(_ bytes: RawSpan) -> Bool {
        changeKeysIfDue() && sealer.add(bytes, .applicationData, to: output)
    }

    func finishSealing() -> Bool {
        sealer.finish(.applicationData, in: output)
    }

    func abandonSealing() {
        output.endRecord(isSealed: false)
    }

    func sendCloseNotify() {
        put(.alert, [1, 0])
    }

    /// RFC 8446 4.6.3: a key update goes before anything else.
    private func changeKeysIfDue() -> Bool {
        guard output.recordBegin == nil, let message = sealer.dueKeyUpdate else { return true }
        return put(.handshake, message) && sealer.changeKeys()
    }

    /// Seals one record with this content.
    @discardableResult
    private func put(_ type: ContentType, _ content: [UInt8]) -> Bool {
        unsafe sealer.add(content.span.bytes, type, to: output) && sealer.finish(type, in: output)
    }
}
