internal import TLSRecord

extension RecordSealer {
    /// Adds bytes to the output and seals each record when it is full; `finish` seals the last one.
    ///
    /// - Returns: false if OpenSSL fails.
    mutating func add(_ bytes: RawSpan, _ type: ContentType, to output: TLSOutput) -> Bool {
        var rest = bytes
        while rest.byteCount > 0 {
            let begin = output.recordBegin ?? output.beginRecord(contentOffset)
            let room = begin + contentOffset + maxContentBytes - output.count
            output.append(rest.extracting(first: room))
            guard rest.byteCount >= room else { return true }
            rest = rest.extracting(room...)
            guard finish(type, in: output) else { return false }
        }
        return true
    }

    /// Seals the bytes added since the last full record; false if OpenSSL fails.
    mutating func finish(_ type: ContentType, in output: TLSOutput) -> Bool {
        guard let begin = output.recordBegin else { return true }
        output.append(unwritten: trailerBytes)
        let isSealed = output.change(from: begin) { seal(type, &$0, with: output.ciphers) }
        output.endRecord(isSealed: isSealed)
        return isSealed
    }
}
