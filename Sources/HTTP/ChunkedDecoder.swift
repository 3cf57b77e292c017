internal import Bytes

/// Decodes a chunked body (RFC 9112 7.1) as it arrives; extensions and trailer fields are checked and dropped.
struct ChunkedDecoder {
    private enum State: UInt8 {
        case size, blank, extensions, sizeLF, data, dataCR, dataLF
        case trailerStart, trailerName, trailerValue, trailerLF, finalLF
    }

    /// Limits for one body, in bytes.
    ///
    /// All extensions of a body share one limit, because a body of many small chunks may carry many of them.
    struct Limits {
        let body: Int
        let extensions: Int
        let trailers: Int
    }

    private var state = State.size
    private var sizeDigits: UInt8 = 0
    /// Bytes of the current chunk that have not arrived yet.
    private var remaining: UInt32 = 0
    private var extensionBytes: UInt32 = 0
    private var trailerBytes: UInt32 = 0

    /// Appends the body bytes in `input` to `body`; returns true once the body is complete, with `offset` after its
    /// end.
    mutating func decode(
        _ input: RawSpan, from offset: inout Int, into body: inout [UInt8], limits: Limits
    ) throws(HTTPViolation) -> Bool {
        while offset < input.byteCount {
            if state == .data {
                let count = min(Int(remaining), input.byteCount - offset)
                body.append(input.extracting(offset..<offset + count))
                offset += count
                remaining -= UInt32(count)
                if remaining == 0 { state = .dataCR }
                continue
            }
            let byte = input.byte(at: offset)
            offset += 1
            if state == .finalLF {
                guard byte == ASCII.lf else { throw .badTrailer }
                return true
            }
            if state.rawValue < State.trailerStart.rawValue {
                try readChunkLine(byte, room: limits.body - body.count, extensionLimit: limits.extensions)
            } else {
                try readTrailer(byte, limit: limits.trailers)
            }
        }
        return false
    }

    private mutating func readChunkLine(_ byte: UInt8, room: Int, extensionLimit: Int) throws(HTTPViolation) {
        switch state {
        case .size:
            try readSize(byte, room: room, extensionLimit: extensionLimit)
        case .blank:
            // RFC 9110 5.6.3: "bad" white space before an extension is accepted, but it cannot replace the extension.
            guard byte.isBlank || byte == ASCII.semicolon else { throw .badChunkExtension }
            try countExtension(limit: extensionLimit)
            if byte == ASCII.semicolon { state = .extensions }
        case .extensions:
            guard byte != ASCII.cr else { return state = .sizeLF }
            guard !byte.isForbiddenControl else { throw .badChunkExtension }
            try countExtension(limit: extensionLimit)
        case .sizeLF:
            guard byte == ASCII.lf else { throw .badChunkTerminator }
            state = remaining == 0 ? .trailerStart : .data
        case .dataCR:
            guard byte == ASCII.cr else { throw .badChunkTerminator }
            state = .dataLF
        default:
            guard byte == ASCII.lf else { throw .badChunkTerminator }
            state = .size
            sizeDigits = 0
        }
    }

    private mutating func readSize(_ byte: UInt8, room: Int, extensionLimit: Int) throws(HTTPViolation) {
        if let digit = byte.hexDigitValue {
            sizeDigits += 1
            // Enough digits for 64 bits, and no endless run of leading zeros.
            guard sizeDigits <= 16 else { throw .badChunkSize }
            let size = Int(remaining) << 4 | Int(digit)
            guard size <= room else { throw .bodyTooLarge }
            remaining = UInt32(size)
            return
        }
        guard sizeDigits > 0 else { throw .badChunkSize }
        switch byte {
        case ASCII.cr:
            state = .sizeLF
        case ASCII.semicolon, ASCII.space, ASCII.tab:
            try countExtension(limit: extensionLimit)
            state = byte == ASCII.semicolon ? .extensions : .blank
        default:
            throw .badChunkSize
        }
    }

    private mutating func countExtension(limit: Int) throws(HTTPViolation) {
        guard Int(extensionBytes) < limit else { throw .chunkExtensionsTooLarge }
        extensionBytes += 1
    }

    /// RFC 9112 7.1.2: field lines as in the head, up to the empty line, whose LF `decode` reads.
    private mutating func readTrailer(_ byte: UInt8, limit: Int) throws(HTTPViolation) {
        if state == .trailerStart, byte == ASCII.cr { return state = .finalLF }
        guard Int(trailerBytes) < limit else { throw .trailersTooLarge }
        trailerBytes += 1
        switch state {
        case .trailerStart:
            guard byte.isTokenByte else { throw .badTrailer }
            state = .trailerName
        case .trailerName:
            guard byte.isTokenByte || byte == ASCII.colon else { throw .badTrailer }
            if byte == ASCII.colon { state = .trailerValue }
        case .trailerValue:
            guard byte != ASCII.cr else { return state = .trailerLF }
            guard !byte.isForbiddenControl else { throw .badTrailer }
        default:
            guard byte == ASCII.lf else { throw .badTrailer }
            state = .trailerStart
        }
    }
}
