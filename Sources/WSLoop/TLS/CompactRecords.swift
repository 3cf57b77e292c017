internal import TLSRecord

/// Records by `TLSRecord`: an idle session is its keys (docs/decisions/0014).
final class CompactRecords: RecordLayer {
    private let output: TLSOutput
    // Unchecked: touched for every read and record, by what knows nothing of the session (docs/decisions/0009).
    @safe @exclusivity(unchecked) private var reader: RecordReader
    @safe @exclusivity(unchecked) private var sealer: RecordSealer
    /// The front of a record whose rest has not arrived.
    private var partialRecord: [UInt8] = []

    init(_ agreement: TLSHandshake.Agreement, role: RecordReader.Role, output: TLSOutput) {
        self.output = output
        reader = RecordReader(agreement.reading, role: role)
        sealer = RecordSealer(agreement.writing, maxContentBytes: agreement.maxContentBytes)
    }

    deinit { output.ciphers.forgetKeys() }

    var heldInputBytes: Int { partialRecord.capacity }

    func fill(_ buffer: ReadBuffer, from descriptor: Int32, atMost byteCount: Int) -> Socket.ReadResult {
        buffer.fill(from: descriptor, atMost: byteCount, behind: partialRecord)
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

    func sayGoodbye() {
        put(.alert, [1, 0])
    }

    /// RFC 8446 4.6.3: before anything else is sent.
    private func changeKeysIfDue() -> Bool {
        guard output.recordBegin == nil, let message = sealer.dueKeyUpdate else { return true }
        return put(.handshake, message) && sealer.changeKeys()
    }

    /// Makes a record of its own.
    @discardableResult
    private func put(_ type: ContentType, _ content: [UInt8]) -> Bool {
        unsafe sealer.add(content.span.bytes, type, to: output) && sealer.finish(type, in: output)
    }
}
