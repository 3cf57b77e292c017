internal import COpenSSL
internal import TLSRecord

/// The record layer of OpenSSL's session, which reads from the loop's input and writes into the loop's output.
@safe
final class OpenSSLRecords: RecordLayer {
    /// The memory that the session holds for an incomplete record.
    private static let partialRecordBytes = 16_896
    private static let maxContentBytes = 16_384

    /// Retained because it owns the session.
    private let handshake: TLSHandshake
    private let output: TLSOutput
    private let raw: OpaquePointer
    private let watch: UnsafeMutablePointer<copenssl_watch>
    /// The offset of new input in the buffer: the rest of a held record's content must fit before it.
    private var offset = 0
    /// The number of records since the last key change.
    var sealedRecords: UInt64 = 0

    init(_ handshake: TLSHandshake, output: TLSOutput) {
        self.handshake = handshake
        self.output = output
        unsafe raw = handshake.raw
        unsafe watch = .allocate(capacity: 1)
        unsafe watch.initialize(
            to: copenssl_watch(
                input: output.input, records_per_key_update: UInt32(RecordReader.recordsPerKeyUpdate),
                max_unpaid_records: UInt32(RecordReader.maxUnpaidRecords), unpaid_records: 0, renegotiates: 0))
        unsafe copenssl_keep_watch(raw, watch)
        // The handshake has read from the descriptor record by record, so the next record is still complete in the
        // socket.
        unsafe BIO_up_ref(output.inputBIO)
        unsafe SSL_set0_rbio(raw, output.inputBIO)
    }

    deinit {
        unsafe copenssl_keep_watch(raw, nil)
        unsafe watch.deallocate()
    }

    // MARK: Reading

    var heldInputBytes: Int { unsafe copenssl_holds_input(raw) == 0 ? 0 : OpenSSLRecords.partialRecordBytes }

    func fill(_ buffer: ReadBuffer, from descriptor: Int32, atMost byteCount: Int) -> Socket.ReadResult {
        offset = unsafe copenssl_holds_input(raw) == 0 ? 0 : OpenSSLRecords.maxContentBytes
        return buffer.fill(from: descriptor, atMost: byteCount, at: offset)
    }

    func open(_ buffer: ReadBuffer) -> OpenedRecords {
        var opened = OpenedRecords()
        buffer.replaceContent { bytes in
            unsafe bytes.withUnsafeMutableBytes { bytes in
                guard let base = bytes.baseAddress else { return }
                unsafe output.input.pointee = copenssl_input(
                    bytes: (base + offset).assumingMemoryBound(to: UInt8.self), count: bytes.count - offset)
                defer { unsafe output.input.pointee = copenssl_input() }
                unsafe decrypt(bytes, &opened)
            }
            return opened.dataBytes
        }
        return opened
    }

    /// Decrypts the lent bytes into the space already read: a record is longer than its content, so it never overtakes.
    private func decrypt(_ bytes: UnsafeMutableRawBufferPointer, _ opened: inout OpenedRecords) {
        while true {
            let room = unsafe UnsafeMutableRawBufferPointer(rebasing: bytes[opened.dataBytes...])
            var count = 0
            OpenSSLError.clear()
            guard unsafe SSL_read_ex(raw, room.baseAddress, room.count, &count) == 1 else {
                opened.end = end
                return
            }
            opened.dataBytes += count
        }
    }

    /// Why a read returned nothing; nil if nothing is wrong.
    private var end: TLSSession.ReadResult? {
        if unsafe copenssl_watch_is_over(watch) != 0 {
            let violation =
                unsafe watch.pointee.renegotiates != 0 ? RecordViolation.renegotiation : .tooManyKeyUpdates
            return .failed(reason: violation.description)
        }
        switch unsafe SSL_get_error(raw, 0) {
        case SSL_ERROR_WANT_READ: return nil
        case SSL_ERROR_ZERO_RETURN: return .endOfStream
        default: return .failed(reason: OpenSSLError.take().description)
        }
    }

    // MARK: Writing

    func seal(_ bytes: RawSpan) -> Bool {
        var rest = bytes
        while rest.byteCount > 0 {
            let part = rest.extracting(first: OpenSSLRecords.maxContentBytes - output.plain.count)
            rest = rest.extracting(part.byteCount...)
            if part.byteCount == OpenSSLRecords.maxContentBytes {
                guard unsafe part.withUnsafeBytes({ unsafe write($0) }) else { return false }
            } else {
                unsafe part.withUnsafeBytes { unsafe output.plain.append(contentsOf: $0) }
                guard output.plain.count < OpenSSLRecords.maxContentBytes || finishSealing() else { return false }
            }
        }
        return true
    }

    func finishSealing() -> Bool {
        guard !output.plain.isEmpty else { return true }
        defer { output.plain.removeAll(keepingCapacity: true) }
        return unsafe output.plain.withUnsafeBytes { unsafe write($0) }
    }

    func abandonSealing() {
        output.plain.removeAll(keepingCapacity: true)
    }

    private func write(_ bytes: UnsafeRawBufferPointer) -> Bool {
        changeKeysIfDue()
        sealedRecords += 1
        var count = 0
        OpenSSLError.clear()
        return unsafe SSL_write_ex(raw, bytes.baseAddress, bytes.count, &count) == 1
    }

    /// RFC 8446 5.5 requires new keys, which OpenSSL leaves to its users; TLS 1.2 has no key updates.
    private func changeKeysIfDue() {
        guard sealedRecords >= RecordSealer.maxRecords else { return }
        sealedRecords = 0
        _ = unsafe SSL_key_update(raw, SSL_KEY_UPDATE_NOT_REQUESTED)
    }

    func sendCloseNotify() {
        OpenSSLError.clear()
        _ = unsafe SSL_shutdown(raw)
    }
}
